"""The bound on every body in front of Django, with uvicorn and bytes sent by hand."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
import uvicorn
from django.core.asgi import get_asgi_application

from tests.pages.test_upload import recent
from tests.receivers.messages import json_request
from tests.receivers.serving import LOOPBACK, PATIENCE_SECONDS, await_until
from traces.store.current import use_store
from traces.store.memory import MemoryStore
from tracing_ui import body_guard
from tracing_ui.body_guard import AROUND_FILES_BYTES, SMALL_BYTES, BodyGuard
from tracing_ui.security import SECURITY_HEADERS
from tracing_ui.spool import prepare_spool

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
LIMIT = 4 * MIB
CHUNK = b"x" * (64 * 1024)


@contextlib.contextmanager
def listening(application):
    """The port of a server in a thread."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        config = uvicorn.Config(application, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        await_until(lambda: server.started)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


@pytest.fixture
def spool(settings, tmp_path, monkeypatch):
    settings.SPOOL_DIR = tmp_path / "scratch" / "upload"
    monkeypatch.setattr(tempfile, "tempdir", None)
    prepare_spool()
    return settings.SPOOL_DIR


@pytest.fixture
def port(spool, settings):
    """The pages behind the guard, with small limits and a memory store."""
    settings.MAX_UPLOAD_BYTES = LIMIT
    guard = BodyGuard(get_asgi_application(), {"/upload": LIMIT + AROUND_FILES_BYTES})
    with use_store(MemoryStore()), listening(guard) as port:
        yield port


def spooled_bytes(folder):
    """In files of this process that lie in the folder, with or without a name."""
    total = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if os.readlink(descriptor).startswith(str(folder)):
                total += descriptor.stat().st_size
    return total


class Talk:
    """One connection: bytes out, bytes in."""

    def __init__(self, port):
        self.socket = socket.create_connection((LOOPBACK, port), PATIENCE_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def head(self, path, *headers, method="POST"):
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def send_chunked(self, content):
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(content), content))

    def has_answer(self):
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.socket.settimeout(PATIENCE_SECONDS)

    def answer(self):
        """Status, headers in lower case, body; to the end of the connection."""
        received = b""
        with contextlib.suppress(ConnectionError):
            while chunk := self.socket.recv(65_536):
                received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in rest)
        return int(first.split()[1]), headers, body


CLOSE = "Connection: close"


@pytest.mark.parametrize("path", ["/upload", "/search", "/no/such/page"])
def test_five_gigabytes_are_refused_before_a_byte_of_them(port, spool, path):
    """B10: the length alone is enough."""
    with Talk(port) as talk:
        talk.head(path, "Content-Length: 5000000000")
        await_until(talk.has_answer)
        talk.socket.shutdown(socket.SHUT_WR)
        status, headers, _ = talk.answer()
    assert status == 413
    assert headers["connection"] == "close"
    assert spooled_bytes(spool) == 0


def send_without_end(talk, most_bytes):
    """Chunk after chunk until there is an answer; how much that was."""
    sent = 0
    while not talk.has_answer():
        assert sent < most_bytes, "nobody stopped it"
        talk.send_chunked(CHUNK)
        sent += len(CHUNK)
    return sent


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/upload", LIMIT + AROUND_FILES_BYTES), ("/search", SMALL_BYTES)],
)
def test_a_body_without_a_length_is_refused_at_the_limit(port, spool, path, limit):
    """B10: no byte stays on the disk, and what comes after the limit never gets there."""
    with Talk(port) as talk:
        talk.head(path, "Transfer-Encoding: chunked")
        send_without_end(talk, limit + 64 * MIB)
        assert spooled_bytes(spool) == 0
        for _ in range(200):
            with contextlib.suppress(ConnectionError):
                talk.send_chunked(CHUNK)
        assert spooled_bytes(spool) == 0
        talk.socket.shutdown(socket.SHUT_WR)
        status, _, _ = talk.answer()
    assert status == 413
    assert list(spool.iterdir()) == []


def test_a_small_body_never_touches_the_disk(port, spool):
    with Talk(port) as talk:
        talk.head("/search", "Transfer-Encoding: chunked")
        for _ in range(SMALL_BYTES // len(CHUNK)):
            talk.send_chunked(CHUNK)
        assert spooled_bytes(spool) == 0


def test_a_length_that_lies_does_not_lift_the_limit(port):
    """B4: bytes beyond the length are another request, not more of this one."""
    with Talk(port) as talk:
        talk.head("/search", "Content-Length: 5", CLOSE)
        talk.socket.sendall(b"x" * 5)
        assert talk.answer()[0] in (403, 405)


def test_the_person_reads_why_and_what_to_do(port):
    with Talk(port) as talk:
        talk.head("/upload", "Content-Length: 5000000000", "Accept: text/html,*/*")
        talk.socket.shutdown(socket.SHUT_WR)
        status, headers, body = talk.answer()
    assert status == 413
    assert f"{LIMIT + AROUND_FILES_BYTES:,} bytes" in body.decode()
    assert b"compressed with gzip" in body
    for name, value in SECURITY_HEADERS.items():
        assert headers[name.lower()] == value.lower()


def test_a_program_gets_json(port):
    with Talk(port) as talk:
        talk.head("/api/v1/traces", "Content-Length: 5000000000")
        talk.socket.shutdown(socket.SHUT_WR)
        _, headers, body = talk.answer()
    assert headers["content-type"] == "application/json"
    assert "at most" in json.loads(body)["errors"][0]["message"]


def form(content):
    """A multipart body with a token, as the page sends it."""
    token = "a" * 32
    body = (
        b"--b\r\nContent-Disposition: form-data; name=csrfmiddlewaretoken\r\n\r\n"
        + token.encode()
        + b"\r\n--b\r\n"
        b'Content-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        + content
        + b"\r\n--b--\r\n"
    )
    headers = (
        "Content-Type: multipart/form-data; boundary=b",
        f"Cookie: csrftoken={token}",
        CLOSE,
    )
    return headers, body


def test_an_upload_comes_through_with_a_length(port):
    headers, body = form(json_request(recent()))
    with Talk(port) as talk:
        talk.head("/upload", *headers, f"Content-Length: {len(body)}")
        talk.socket.sendall(body)
        status, headers, _ = talk.answer()
    assert (status, headers["location"][:7]) == (303, "/trace/")


def test_an_upload_comes_through_in_chunks(port):
    """A12: Django itself takes a form without a Content-Length for an empty one."""
    headers, body = form(json_request(recent()))
    with Talk(port) as talk:
        talk.head("/upload", *headers, "Transfer-Encoding: chunked")
        for start in range(0, len(body), 100):
            talk.send_chunked(body[start : start + 100])
        talk.socket.sendall(b"0\r\n\r\n")
        status, headers, _ = talk.answer()
    assert (status, headers["location"][:7]) == (303, "/trace/")


def test_an_upload_waits_in_the_spool_and_leaves_nothing(port, spool):
    headers, body = form(json_request(recent()) + b" " * 3 * MIB)
    with Talk(port) as talk:
        talk.head("/upload", *headers, f"Content-Length: {len(body)}")
        talk.socket.sendall(body[:-1])
        await_until(lambda: spooled_bytes(spool) > 2 * MIB)
        assert list(spool.iterdir()) == []
        talk.socket.sendall(body[-1:])
        assert talk.answer()[0] == 303
    await_until(lambda: spooled_bytes(spool) == 0)


def test_an_upload_whose_sender_hangs_up_leaves_nothing(port, spool):
    """E12."""
    with Talk(port) as talk:
        talk.head("/upload", "Transfer-Encoding: chunked")
        for _ in range(3 * MIB // len(CHUNK)):
            talk.send_chunked(CHUNK)
        await_until(lambda: spooled_bytes(spool) > 2 * MIB)
    await_until(lambda: spooled_bytes(spool) == 0)
    assert list(spool.iterdir()) == []


def test_uploads_at_the_same_time_share_a_bound(port, spool):
    """The fifth large body finds no room; when one of the others ends, it does."""
    headers, body = form(json_request(recent()) + b" " * (LIMIT - 4096))
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(Talk(port)) for _ in range(4)]
        for talk in waiting:
            talk.head("/upload", *headers, f"Content-Length: {len(body)}")
            talk.socket.sendall(body[:-1])
        room = 4 * (len(body) - 1)
        await_until(lambda: spooled_bytes(spool) == room)
        with Talk(port) as late:
            late.head("/upload", "Transfer-Encoding: chunked")
            send_without_end(late, 64 * MIB)
            late.socket.shutdown(socket.SHUT_WR)
            status, answer, _ = late.answer()
        assert status == 503
        assert answer["retry-after"]
        for talk in waiting:
            talk.socket.sendall(body[-1:])
        # Two are stored at a time; the others are told to come again.
        assert {talk.answer()[0] for talk in waiting} <= {303, 503}
    await_until(lambda: spooled_bytes(spool) == 0)


def test_a_sender_that_falls_silent_is_let_go(port, spool, monkeypatch):
    """E8."""
    monkeypatch.setattr(body_guard, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(body_guard, "LINGER_SECONDS", 0.1)
    with Talk(port) as talk:
        talk.head("/upload", "Transfer-Encoding: chunked")
        talk.send_chunked(CHUNK)
        assert talk.answer()[0] == 408
    assert spooled_bytes(spool) == 0


def test_a_disk_that_is_nearly_full_takes_no_upload(port, settings):
    """E4."""
    settings.MIN_FREE_DISK_BYTES = 1 << 60
    with Talk(port) as talk:
        talk.head("/upload", "Transfer-Encoding: chunked", "Accept: text/html")
        talk.socket.shutdown(socket.SHUT_WR)
        status, headers, body = talk.answer()
    assert status == 503
    assert headers["retry-after"]
    assert b"Make room" in body


# Django leaves the file that could not be written to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_spool_that_is_gone_is_a_503(port, spool):
    """E5: a temporary folder that refuses."""
    spool.rmdir()
    headers, body = form(b"x" * 3 * MIB)
    with Talk(port) as talk:
        talk.head("/upload", *headers, f"Content-Length: {len(body)}")
        talk.socket.sendall(body)
        status, _, answer = talk.answer()
    assert status == 503
    assert b"No such file or directory" in answer


def test_prepare_removes_what_a_kill_left_with_a_name(spool):
    (spool / "old").mkdir()
    (spool / "old" / "file").write_text("left over")
    (spool / "file").write_text("left over")
    prepare_spool()
    assert list(spool.iterdir()) == []
    assert Path(tempfile.gettempdir()) == spool


UPLOADING = """
import sys, tempfile, time
import django
django.setup()
from django.conf import settings
from tracing_ui.spool import SpoolUploadHandler, prepare_spool
prepare_spool()
handler = SpoolUploadHandler()
handler.new_file("files", "a.json", "", 0)
handler.receive_data_chunk(b"x" * 1_000_000, 0)
body = tempfile.SpooledTemporaryFile(1)
body.write(b"x" * 1_000_000)
print(settings.SPOOL_DIR, flush=True)
time.sleep(600)
"""


def test_a_kill_leaves_no_file(tmp_path):
    environ = {**os.environ, "DATA_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", UPLOADING],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        spool = Path(process.stdout.readline().strip())
        assert spool.is_relative_to(tmp_path)
        process.send_signal(signal.SIGKILL)
    assert list(spool.iterdir()) == []


def test_the_application_of_the_web_process_is_guarded(tmp_path):
    program = "import tracing_ui.asgi as a; print(type(a.application).__name__)"
    environ = {**os.environ, "DATA_DIR": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True
    )
    assert told.stdout.strip() == "BodyGuard", told.stderr
    assert (tmp_path / "scratch" / "upload").is_dir()
