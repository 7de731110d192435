"""Headers of messages as queues' clients give them: dicts and lists, text and bytes.

Setting a header replaces it in every spelling, so that a message that is sent on never
carries two.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final

from opentelemetry.propagators.textmap import Getter, Setter

Pairs = list[tuple[str, Any]]


class BytesMapGetter(Getter[Mapping[str, Any]]):
    """Of a dict whose values are bytes or text, as in RabbitMQ's clients."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        return _texts([carrier[key]]) if key in carrier else None

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return list(carrier)


class PairsGetter(Getter[Iterable[tuple[str, Any]]]):
    """Of a list of (key, bytes), as in Kafka's clients; a key may come repeatedly."""

    def get(self, carrier: Iterable[tuple[str, Any]], key: str) -> list[str] | None:
        return _texts([value for name, value in carrier if name == key]) or None

    def keys(self, carrier: Iterable[tuple[str, Any]]) -> list[str]:
        return [name for name, _ in carrier]


class TextMapSetter(Setter[MutableMapping[str, Any]]):
    """Into a dict of texts."""

    def set(self, carrier: MutableMapping[str, Any], key: str, value: str) -> None:
        _remove(carrier, key)
        carrier[key] = value


class BytesMapSetter(Setter[MutableMapping[str, Any]]):
    """Into a dict of bytes."""

    def set(self, carrier: MutableMapping[str, Any], key: str, value: str) -> None:
        _remove(carrier, key)
        carrier[key] = value.encode()


class PairsSetter(Setter[Pairs]):
    """Into a list of (key, bytes)."""

    def set(self, carrier: Pairs, key: str, value: str) -> None:
        carrier[:] = [pair for pair in carrier if str(pair[0]).lower() != key]
        carrier.append((key, value.encode()))


bytes_map_getter: Final = BytesMapGetter()
bytes_map_setter: Final = BytesMapSetter()
pairs_getter: Final = PairsGetter()
pairs_setter: Final = PairsSetter()
text_map_setter: Final = TextMapSetter()


def _texts(values: Iterable[object]) -> list[str]:
    return [text for value in values if (text := _text(value)) is not None]


def _text(value: object) -> str | None:
    # Bytes that are no text stay a value, or a second `traceparent` would go unseen.
    if isinstance(value, bytes | bytearray):
        return value.decode(errors="replace")
    return value if isinstance(value, str) else None


def _remove(carrier: MutableMapping[str, Any], name: str) -> None:
    for key in [key for key in carrier if str(key).lower() == name]:
        del carrier[key]
