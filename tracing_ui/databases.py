"""DATABASE_URL to Django's DATABASES entry, for SQLite and PostgreSQL."""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from tracing_ui.env import SettingError

EXPECTED = "postgres://user:password@host:port/name or sqlite:///path/to/file"

# Three processes write: readers never block a writer (WAL), a commit is on disk
# when it returns (FULL), and a transaction takes its write lock at once
# (IMMEDIATE), so that it waits for its turn instead of failing half-way.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000;"
    ),
}


def database_config(url: str, data_dir: Path) -> dict[str, Any]:
    """The DATABASES entry for `url`; without one, a SQLite file in `data_dir`."""
    if not url:
        return sqlite_config(str(data_dir / "catalogue.sqlite3"))
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and len(parts.path) > 1:
        return sqlite_config(unquote(parts.path[1:]))
    if parts.scheme in {"postgres", "postgresql"} and len(parts.path) > 1:
        return postgres_config(parts)
    raise SettingError("DATABASE_URL", without_password(parts), EXPECTED)


def sqlite_config(name: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": dict(SQLITE_OPTIONS),
    }


def postgres_config(parts: SplitResult) -> dict[str, Any]:
    try:
        port = str(parts.port or "")
    except ValueError:
        raise SettingError("DATABASE_URL", without_password(parts), EXPECTED) from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        # A folder (unix socket) comes percent-encoded: postgres://%2Frun%2Fpg/name
        "HOST": unquote(parts.hostname or ""),
        "PORT": port,
        "OPTIONS": {"connect_timeout": "5", **dict(parse_qsl(parts.query))},
    }


def without_password(parts: SplitResult) -> str:
    """The URL for a message: a password must not reach a log."""
    return f"{parts.scheme}://…{parts.path}"
