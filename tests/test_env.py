"""Settings from the environment: good ones are read, bad ones are explained."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracing_ui.env import (
    SettingError,
    env_bool,
    env_int,
    env_list,
    env_path,
    env_port,
    env_str,
)

ROOT = Path(__file__).resolve().parent.parent


def test_an_unset_variable_gives_the_default(monkeypatch):
    monkeypatch.delenv("KNOB", raising=False)
    assert env_str("KNOB", "a") == "a"
    assert env_int("KNOB", 7) == 7
    assert env_bool("KNOB", default=True) is True
    assert env_list("KNOB", ["a"]) == ["a"]
    assert env_path("KNOB", Path("/a")) == Path("/a")


def test_an_empty_number_counts_as_unset(monkeypatch):
    monkeypatch.setenv("KNOB", "")
    assert env_int("KNOB", 7) == 7


@pytest.mark.parametrize("text", ["1", "true", "YES", " on "])
def test_words_for_true(monkeypatch, text):
    monkeypatch.setenv("KNOB", text)
    assert env_bool("KNOB", default=False) is True


@pytest.mark.parametrize("text", ["0", "false", "No", "off"])
def test_words_for_false(monkeypatch, text):
    monkeypatch.setenv("KNOB", text)
    assert env_bool("KNOB", default=True) is False


@pytest.mark.parametrize("text", ["seven", "1.5", "-1", "70000"])
def test_a_bad_port_names_variable_value_and_expectation(monkeypatch, text):
    monkeypatch.setenv("KNOB", text)
    with pytest.raises(SettingError) as caught:
        env_port("KNOB", 80)
    assert str(caught.value) == (
        f"KNOB={text!r} is not usable: "
        "expected a whole number of at least 1 and at most 65535."
    )


def test_a_bad_boolean_is_refused(monkeypatch):
    monkeypatch.setenv("KNOB", "maybe")
    with pytest.raises(SettingError, match="KNOB='maybe'"):
        env_bool("KNOB", default=False)


def test_a_word_outside_the_choice_is_refused(monkeypatch):
    monkeypatch.setenv("KNOB", "loud")
    with pytest.raises(SettingError, match="one of quiet, silent"):
        env_str("KNOB", "quiet", one_of=("quiet", "silent"))


def test_a_list_is_split_and_trimmed(monkeypatch):
    monkeypatch.setenv("KNOB", " a, b,,")
    assert env_list("KNOB", []) == ["a", "b"]


def test_an_unknown_word_in_a_list_is_refused(monkeypatch):
    monkeypatch.setenv("KNOB", "a,x")
    with pytest.raises(SettingError, match="any of a, b"):
        env_list("KNOB", [], any_of=("a", "b"))


@pytest.mark.slow
def test_a_bad_setting_ends_the_command_with_one_line(tmp_path):
    environ = {**os.environ, "DATA_DIR": str(tmp_path), "WEB_PORT": "eighty"}
    ended = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: WEB_PORT='eighty' is not usable")
    assert ended.stderr.count("\n") == 1
