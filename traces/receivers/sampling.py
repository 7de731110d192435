"""Sampling strategies for Jaeger's clients, from a file in Jaeger's own format.

Without a file every trace is sampled. Reads a file again when it has changed; what is
wrong with it then is logged, and what was read before goes on.
"""

import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

log = logging.getLogger(__name__)

MAX_FILE_BYTES: Final = 4 << 20
PROBABILISTIC: Final = "probabilistic"
RATE_LIMITING: Final = "ratelimiting"
# Jaeger's own, for operations of a service that has a rate and no probability.
_DEFAULT_PROBABILITY = 0.001
_MOST_PER_SECOND = 2**31 - 1


class BadStrategies(ValueError):
    """The file cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A probability, or whole traces a second; probabilities of some span names."""

    kind: str
    param: float
    operations: Mapping[str, float] = field(default_factory=dict)

    @property
    def operation_default(self) -> float:
        """The probability of a span name that is not among the operations."""
        return self.param if self.kind == PROBABILISTIC else _DEFAULT_PROBABILITY


SAMPLE_ALL: Final = Strategy(PROBABILISTIC, 1.0)


@dataclass(frozen=True, slots=True)
class Strategies:
    default: Strategy = SAMPLE_ALL
    by_service: Mapping[str, Strategy] = field(default_factory=dict)

    def of(self, service: str) -> Strategy:
        return self.by_service.get(service, self.default)


class StrategyFile:
    """The strategies in a file, as it is now. An empty path is no file."""

    def __init__(self, path: str) -> None:
        """Raises BadStrategies."""
        self._path = Path(path) if path else None
        self._stamp = self._stamp_now()
        self._strategies = self._read()

    def current(self) -> Strategies:
        stamp = self._stamp_now()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._strategies = self._read()
            except BadStrategies as error:
                log.error("%s; the strategies before are kept", error)
        return self._strategies

    def _stamp_now(self) -> tuple[int, int, int] | None:
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Strategies:
        return read_strategies(self._path) if self._path else Strategies()


def strategies_from_settings() -> StrategyFile:
    """Raises BadStrategies."""
    from django.conf import settings

    try:
        return StrategyFile(settings.SAMPLING_STRATEGIES_FILE)
    except BadStrategies as error:
        raise BadStrategies(f"SAMPLING_STRATEGIES_FILE: {error}") from None


def read_strategies(path: Path) -> Strategies:
    """Raises BadStrategies."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadStrategies(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise BadStrategies(f"{path} is over {MAX_FILE_BYTES:,} bytes")
    try:
        return parse_strategies(orjson.loads(content))
    except orjson.JSONDecodeError as error:
        raise BadStrategies(f"{path} is not JSON: {error}") from None
    except BadStrategies as error:
        raise BadStrategies(f"{path}: {error}") from None


def parse_strategies(document: Any) -> Strategies:
    """Raises BadStrategies."""
    document = _object(document, "the document")
    default = SAMPLE_ALL
    if document.get("default_strategy") is not None:
        default = _strategy(document["default_strategy"], "default_strategy")
    services: dict[str, Strategy] = {}
    for where, entry in _entries(document, "service_strategies"):
        service = _text(entry, "service", where)
        if service in services:
            raise BadStrategies(f"{where}: a second strategy for {service!r}")
        services[service] = _with_default(_strategy(entry, where), default)
    return Strategies(default, services)


def _with_default(strategy: Strategy, default: Strategy) -> Strategy:
    """Operations of the default strategy hold for every service that has none such."""
    operations = {**default.operations, **strategy.operations}
    return Strategy(strategy.kind, strategy.param, operations)


def _strategy(entry: Any, where: str) -> Strategy:
    entry = _object(entry, where)
    kind = _text(entry, "type", where)
    if kind not in (PROBABILISTIC, RATE_LIMITING):
        raise BadStrategies(
            f"{where}: type {kind!r} is neither {PROBABILISTIC} nor {RATE_LIMITING}"
        )
    most = 1.0 if kind == PROBABILISTIC else _MOST_PER_SECOND
    param = _number(entry, where, most)
    return Strategy(kind, param, dict(_operations(entry, where)))


def _operations(entry: Mapping[str, Any], where: str) -> Sequence[tuple[str, float]]:
    found = []
    for inner, operation in _entries(entry, "operation_strategies", f"{where}."):
        kind = _text(operation, "type", inner)
        if kind != PROBABILISTIC:
            raise BadStrategies(f"{inner}: type {kind!r} is not {PROBABILISTIC}")
        found.append(
            (_text(operation, "operation", inner), _number(operation, inner, 1))
        )
    return found


def _entries(
    holder: Mapping[str, Any], key: str, before: str = ""
) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """The objects of a list, each with its place for people."""
    entries = holder.get(key)
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise BadStrategies(f"{before}{key} is not a list")
    places = [f"{before}{key}[{number}]" for number in range(len(entries))]
    return [
        (place, _object(each, place))
        for place, each in zip(places, entries, strict=True)
    ]


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadStrategies(f"{where} is not an object")
    return value


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise BadStrategies(f"{where}: {key} is missing or no text")
    return value


def _number(entry: Mapping[str, Any], where: str, most: float) -> float:
    value = entry.get("param")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadStrategies(f"{where}: param is missing or no number")
    if not math.isfinite(value) or not 0 <= value <= most:
        raise BadStrategies(f"{where}: param {value} is not between 0 and {most:g}")
    return float(value)
