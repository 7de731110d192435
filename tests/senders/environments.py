"""A sender's own environment, made when it is first asked for, and the sender's run.

Environments are in `.senders/`, one folder for each state of a sender's requirements,
so a change of these makes a new one. Any number of processes may ask at once.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
SHARED = HERE / "shared"
CACHE = HERE.parents[1] / ".senders"
PATIENCE_SECONDS = 60
INSTALL_PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Sent:
    """What a sender says that it sent: ids in hexadecimal, a span's by its name."""

    trace_id: str
    spans: dict[str, str]


def send(sender: str, *arguments: object) -> Sent:
    """Runs the sender until it has sent everything and ended well."""
    command = [*_command(sender), *map(str, arguments)]
    result = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], **_search_paths(sender)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert result.returncode == 0, f"{sender} failed:\n{result.stdout}{result.stderr}"
    return Sent(**json.loads(result.stdout))


def senders() -> list[str]:
    manifests = [*HERE.glob("*/requirements.txt"), *HERE.glob("*/package-lock.json")]
    return sorted(manifest.parent.name for manifest in manifests)


def _command(sender: str) -> list[Path | str]:
    folder = HERE / sender
    if _is_python(sender):
        return [_python(environment(sender)), folder / "send.py"]
    return ["node", folder / "send.js"]


def _search_paths(sender: str) -> dict[str, str]:
    if _is_python(sender):
        return {"PYTHONPATH": str(SHARED)}
    # The scripts are not where the packages are.
    return {"NODE_PATH": str(environment(sender) / "node_modules")}


def _is_python(sender: str) -> bool:
    return (HERE / sender / "requirements.txt").exists()


@cache
def environment(sender: str) -> Path:
    """The folder of the sender's packages, which are in it."""
    folder = CACHE / f"{sender}-{_fingerprint(sender)}"
    with _locked(sender):
        if not (folder / "complete").exists():
            _remove_others(sender)
            (_make_python if _is_python(sender) else _make_npm)(sender, folder)
            (folder / "complete").touch()
    return folder


def _fingerprint(sender: str) -> str:
    names = ["requirements.txt", "package.json", "package-lock.json"]
    manifests = [HERE / sender / name for name in names]
    content = [path.read_bytes() for path in manifests if path.exists()]
    return hashlib.sha256(b"".join([sys.version.encode(), *content])).hexdigest()[:12]


@contextmanager
def _locked(sender: str) -> Iterator[None]:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{sender}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_others(sender: str) -> None:
    """What an interrupted run or former requirements left."""
    for left in CACHE.glob(f"{sender}-" + "[0-9a-f]" * 12):
        shutil.rmtree(left)


def _make_python(sender: str, folder: Path) -> None:
    # The installer is ours: making one for each takes longer than the packages do.
    _install([sys.executable, "-m", "venv", "--without-pip", folder])
    pip = [sys.executable, "-m", "pip", "--python", _python(folder), "--quiet"]
    options = ["--disable-pip-version-check", "--no-deps", "--no-compile"]
    requirements = HERE / sender / "requirements.txt"
    _install([*pip, "install", *options, "--requirement", requirements])


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _make_npm(sender: str, folder: Path) -> None:
    assert shutil.which("npm"), "these tests need npm; see CONTRIBUTING.md"
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / sender / name, folder)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    _install(["npm", "ci", *options, "--prefix", folder])


def _install(command: list[Path | str]) -> None:
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=INSTALL_PATIENCE_SECONDS
    )
    assert result.returncode == 0, f"{command}:\n{result.stdout}{result.stderr}"
