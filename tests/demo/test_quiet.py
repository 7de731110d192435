"""What the shop's processes let through to standard error."""

import logging

import pytest

from traces.demo import quiet


def record(level: int) -> logging.LogRecord:
    return logging.LogRecord("opentelemetry", level, "", 0, "export failed", None, None)


def test_an_error_passes_once():
    now_and_then = quiet.NowAndThen()
    passed = [now_and_then.filter(record(logging.ERROR)) for _ in range(3)]
    assert passed == [True, False, False]


def test_a_warning_neither_passes_nor_keeps_an_error_back():
    now_and_then = quiet.NowAndThen()
    assert not now_and_then.filter(record(logging.WARNING))
    assert now_and_then.filter(record(logging.ERROR))


def test_an_error_passes_again_after_a_while(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quiet, "REPEAT_AFTER_SECONDS", 0.0)
    now_and_then = quiet.NowAndThen()
    assert now_and_then.filter(record(logging.ERROR))
    assert now_and_then.filter(record(logging.ERROR))
