"""Sends a file of requests over OTLP/HTTP and notes how long each ack took.

A process of its own, so that its CPU counts for none of the others:
`python -m tests.benchmarks.client FILE URL CONNECTIONS RESULT`.
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.workload import read_requests

TIMEOUT_SECONDS = 60
MAX_ATTEMPTS = 20
RETRIED = (429, 502, 503, 504)
PROTOBUF = "application/x-protobuf"


class NotAcknowledged(Exception):
    """The server refused a request for good; the text has its answer."""


class Sender:
    """Some connections that draw from one line of requests."""

    def __init__(
        self, url: str, requests: Iterable[bytes], content_type: str = PROTOBUF
    ) -> None:
        self._address = urlsplit(url)
        self._headers = {"Content-Type": content_type}
        self._requests: Iterator[bytes] = iter(requests)
        self._lock = threading.Lock()
        self.ack_seconds: list[float] = []
        self.retries = 0
        self.failure: Exception | None = None

    def run(self, connections: int) -> None:
        threads = [threading.Thread(target=self._send_all) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failure:
            raise self.failure

    def _next(self) -> bytes | None:
        with self._lock:
            return None if self.failure else next(self._requests, None)

    def _send_all(self) -> None:
        connection = self._connect()
        try:
            while (body := self._next()) is not None:
                started = time.perf_counter()
                self._send(connection, body)
                self.ack_seconds.append(time.perf_counter() - started)
        except (OSError, http.client.HTTPException, NotAcknowledged) as error:
            self.failure = error
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname, self._address.port
        assert host
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)

    def _send(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        for _ in range(MAX_ATTEMPTS):
            connection.request("POST", self._address.path, body, self._headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status in (200, 202) and answer in (b"", b"{}"):
                return
            if response.status not in RETRIED:
                raise NotAcknowledged(f"{response.status}: {answer[:500]!r}")
            self.retries += 1
            time.sleep(float(response.headers.get("Retry-After", 1)))
        raise NotAcknowledged(f"still {response.status} after {MAX_ATTEMPTS} attempts")


def send_file(
    path: Path, url: str, connections: int, content_type: str = PROTOBUF
) -> dict[str, Any]:
    sender = Sender(url, read_requests(path), content_type)
    started, cpu = time.perf_counter(), time.process_time()
    sender.run(connections)
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "ack_seconds": sender.ack_seconds,
        "retries": sender.retries,
    }


if __name__ == "__main__":
    file, url, connections, result = sys.argv[1:]
    Path(result).write_text(json.dumps(send_file(Path(file), url, int(connections))))
