"""Typed readers of environment variables, for the settings module alone.

A bad value is a `SettingError` that names the variable, the value and what is
expected, so that a typing error in a unit file is one line, not a traceback.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from tracing_ui.link_templates import LinkTemplate, parse_link_templates

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}


class SettingError(ImproperlyConfigured):
    """An environment variable holds something that cannot be used."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"{name}={value!r} is not usable: expected {expected}.")


def env_str(name: str, default: str, *, one_of: tuple[str, ...] = ()) -> str:
    value = os.environ.get(name, "") or default
    if one_of and value not in one_of:
        raise SettingError(name, value, "one of " + ", ".join(one_of))
    return value


def env_int(
    name: str, default: int, *, at_least: int = 0, at_most: int | None = None
) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    limit = "" if at_most is None else f" and at most {at_most}"
    expected = f"a whole number of at least {at_least}{limit}"
    try:
        value = int(text)
    except ValueError:
        raise SettingError(name, text, expected) from None
    if value < at_least or (at_most is not None and value > at_most):
        raise SettingError(name, text, expected)
    return value


def env_port(name: str, default: int, *, may_be_off: bool = False) -> int:
    """`may_be_off`: 0 is allowed, and means that nothing listens."""
    return env_int(name, default, at_least=0 if may_be_off else 1, at_most=65535)


def env_bool(name: str, *, default: bool) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if not text:
        return default
    if text not in TRUE_WORDS | FALSE_WORDS:
        raise SettingError(name, text, "one of 1, true, yes, on, 0, false, no, off")
    return text in TRUE_WORDS


def env_path(name: str, default: Path) -> Path:
    value = os.environ.get(name, "")
    return Path(value).expanduser().resolve() if value else default


def env_list(
    name: str, default: list[str], *, any_of: tuple[str, ...] = ()
) -> list[str]:
    """Comma-separated words; empty ones are dropped."""
    if name not in os.environ:
        return default
    words = [word.strip() for word in os.environ[name].split(",") if word.strip()]
    if any_of and not set(words) <= set(any_of):
        raise SettingError(name, os.environ[name], "any of " + ", ".join(any_of))
    return words


def env_link_templates(name: str) -> tuple[LinkTemplate, ...]:
    text = os.environ.get(name, "").strip()
    try:
        return parse_link_templates(text)
    except ValueError as error:
        raise SettingError(name, text, str(error)) from None


@contextmanager
def exit_on_bad_setting() -> Iterator[None]:
    """End the process with the setting's own message instead of a traceback."""
    try:
        yield
    except SettingError as error:
        raise SystemExit(f"error: {error}") from None
