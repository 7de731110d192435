"""What running processes cost, from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
KIB = 1024


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of /proc/<pid>/stat that are wanted; ended children included."""

    parent: int
    cpu_seconds: float


def parse_stat(text: str) -> Stat:
    """The command's name may hold anything, so count from behind its parenthesis."""
    fields = text[text.rindex(")") + 2 :].split()
    ticks = sum(map(int, fields[11:15]))
    return Stat(int(fields[1]), ticks / TICKS_PER_SECOND)


def parse_resident_bytes(status: str) -> int:
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * KIB
    return 0


def read_stats() -> dict[int, Stat]:
    """Every process; those that end meanwhile are left out."""
    stats = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (text := _read(folder / "stat")):
            stats[int(folder.name)] = parse_stat(text)
    return stats


def descendants(root: int, stats: dict[int, Stat]) -> list[int]:
    """The process and all below it."""
    found = [root]
    for pid in found:
        found += [child for child, stat in stats.items() if stat.parent == pid]
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of the process and all below it, ended ones included."""
    stats = read_stats()
    family = descendants(root, stats)
    return sum(stats[pid].cpu_seconds for pid in family if pid in stats)


def resident_bytes(root: int) -> int:
    """Of the largest process among this one and those below it."""
    family = descendants(root, read_stats())
    sizes = [_read(Path(f"/proc/{pid}/status")) for pid in family]
    return max(map(parse_resident_bytes, sizes), default=0)


def command_line(pid: int) -> list[str]:
    return _read(Path(f"/proc/{pid}/cmdline")).split("\0")


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
