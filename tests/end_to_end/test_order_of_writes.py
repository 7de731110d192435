"""The order of one request's system calls: on disk first, then the answer."""

import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.end_to_end.ledger import Ledger
from tests.end_to_end.load import ACKED, over_http
from tests.end_to_end.serving import Server

pytestmark = pytest.mark.slow

CALLS = "fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg"
LINE = re.compile(r"^(?P<thread>\d+) +(?P<text>.*)$")
RESUMED = re.compile(r"^<\.\.\. \w+ resumed>")
UNFINISHED = " <unfinished ...>"


@dataclass
class Call:
    """One system call; `began` and `ended` are places in the log."""

    text: str
    began: int
    ended: int


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory, ledger: Ledger) -> list[Call]:
    """What ingest did for one request, the second it got."""
    require_ptrace()
    folder = tmp_path_factory.mktemp("traced")
    log = folder / "strace.log"
    server = Server(folder, "ingest")
    server.manage("migrate")
    options = ("--follow-forks", "--decode-fds=path", "-s", "64", "-o", str(log))
    server.start("strace", *options, "-e", f"trace={CALLS}")
    try:
        post_one(server, ledger)
        before = log.stat().st_size
        post_one(server, ledger)
    finally:
        server.kill()
    return read_calls(log.read_bytes()[before:].decode())


def require_ptrace() -> None:
    tried = subprocess.run(["strace", "-e", "trace=none", "true"], capture_output=True)
    if b"ptrace" in tried.stderr and b"not permitted" in tried.stderr:
        pytest.skip(f"no process may be traced here: {tried.stderr.decode()}")
    assert tried.returncode == 0, tried.stderr


def post_one(server: Server, ledger: Ledger) -> None:
    number = ledger.next_number()
    ledger.note("sent", number)
    with over_http(server) as post:
        assert post(ledger.body(number)) == ACKED


def read_calls(log: str) -> list[Call]:
    """A call that another thread interrupts stands on two lines of the log."""
    calls: list[Call] = []
    unfinished: dict[str, Call] = {}
    for place, line in enumerate(log.splitlines()):
        match = LINE.match(line)
        assert match, line
        thread, text = match["thread"], match["text"]
        if RESUMED.match(text):
            if thread in unfinished:
                unfinished.pop(thread).ended = place
            continue
        calls.append(Call(text, place, place))
        if text.endswith(UNFINISHED):
            unfinished[thread] = calls[-1]
    return calls


def the_call(calls: list[Call], pattern: str) -> Call:
    found = [call for call in calls if re.match(pattern, call.text)]
    assert found, f"no call matches {pattern}: {[call.text for call in calls]}"
    return found[0]


@pytest.fixture(scope="module")
def steps(calls: list[Call]) -> list[Call]:
    """In the order that they must have."""
    patterns = [
        r"write\(\d+<[^>]*/f-[0-9a-f]+\.tmp>, \"PAR1",
        r"f(data)?sync\(\d+<[^>]*/f-[0-9a-f]+\.tmp>",
        r"rename\w*\([^)]*\.tmp\", [^)]*\.parquet\"",
        r"fsync\(\d+<[^>]*/segments/\d{8}/\d{2}>",
        r"f(data)?sync\(\d+<[^>]*catalogue\.sqlite3-wal>",
        r"(write|writev|sendto|sendmsg)\(\d+<(TCP|socket):.*HTTP/1\.1 200",
    ]
    return [the_call(calls, pattern) for pattern in patterns]


def test_the_answer_comes_after_all_that_makes_it_true(steps):
    for earlier, later in pairwise(steps):
        assert earlier.ended < later.began, (earlier.text, later.text)


def test_the_request_is_answered_once_and_stored_in_one_file(calls):
    answers = [call for call in calls if "HTTP/1.1 " in call.text]
    files = [call for call in calls if call.text.startswith("rename")]
    assert (len(answers), len(files)) == (1, 1)
