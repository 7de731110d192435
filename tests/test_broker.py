"""The broker in a folder: what is sent is received, once, whole."""

import pytest
from kombu.connection import Connection

from tracing_ui.broker import folder_options, make_folders


@pytest.fixture
def queue(tmp_path):
    make_folders(tmp_path)
    options = folder_options(tmp_path)
    with Connection("folder://localhost/", transport_options=options) as connection:
        yield connection.SimpleQueue("work")


def test_messages_arrive_in_order_and_leave_nothing_behind(queue, tmp_path):
    for number in range(3):
        queue.put({"number": number})
    received = []
    for _ in range(3):
        message = queue.get(timeout=10)
        message.ack()
        received.append(message.payload["number"])
    assert received == [0, 1, 2]
    assert not list((tmp_path / "queue").iterdir())
    assert not list((tmp_path / "taken").iterdir())


def test_a_half_written_message_is_not_taken(queue, tmp_path):
    (tmp_path / "queue" / ".00000000000000000001_x.work.msg").write_text("")
    with pytest.raises(queue.Empty):
        queue.get(block=False)
