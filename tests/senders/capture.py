"""Captures what every sender sends, again: python -m tests.senders.capture [FOLDER]

Writes for each way of sending a `.json` that tells what the sender said and how its
messages came, and a `.bin` for each message, byte for byte.
"""

import json
import shutil
import sys
from pathlib import Path

from tests.senders.deliveries import SAMPLES
from tests.senders.environments import send
from tests.senders.sink import Message, sink
from tests.senders.ways import ALL, Way


def capture(way: Way, folder: Path) -> None:
    with sink() as taken:
        sent = send(way.sender, *way.to(**taken.ports))
    target = folder / way.sender
    target.mkdir(parents=True, exist_ok=True)
    messages = [
        _write(target / f"{way.mode}-{number}.bin", message)
        for number, message in enumerate(taken.messages, start=1)
    ]
    said = {"sent": {"trace_id": sent.trace_id, "spans": sent.spans}}
    document = json.dumps(said | {"messages": messages}, indent=1)
    (target / f"{way.mode}.json").write_text(document + "\n")


def _write(path: Path, message: Message) -> dict[str, object]:
    path.write_bytes(message.body)
    where = {"port": message.port, "target": message.target}
    return {"file": path.name} | where | {"headers": message.headers}


def main(folder: Path) -> None:
    for sender in {way.sender for way in ALL}:
        shutil.rmtree(folder / sender, ignore_errors=True)
    for way in ALL:
        capture(way, folder)
        print(way)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else SAMPLES)
