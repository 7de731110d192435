"""What the propagators share: a format reads a Parent from headers, or writes one."""

from abc import abstractmethod
from typing import Any

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)

from propagation.parent import Parent


class Headers:
    """Values by name, whatever case it is written in.

    `Traceparent` beside `traceparent` in one dict is two values. What is not text is
    passed over: the headers of a message may hold anything.
    """

    def __init__(self, carrier: Any, getter: Getter[Any]) -> None:
        self._carrier = carrier
        self._getter = getter
        self._spellings: dict[str, list[str]] = {}
        # A getter may name a repeated header once for each time.
        for key in dict.fromkeys(getter.keys(carrier)):
            if isinstance(key, str):
                self._spellings.setdefault(key.lower(), []).append(key)

    def all(self, name: str) -> list[str]:
        """Every value of `name`, which is given in lower case, in order."""
        values: list[object] = []
        # Some getters know no names; then the plain one is all that can be asked for.
        for spelling in self._spellings.get(name, [name]):
            values += self._getter.get(self._carrier, spelling) or []
        return [value for value in values if isinstance(value, str)]

    def only(self, name: str) -> str:
        """The value without white space around it; empty if there is none or many."""
        values = self.all(name)
        return values[0].strip(" \t") if len(values) == 1 else ""

    def first(self, name: str) -> str:
        """The first value without white space around it; empty if there is none."""
        return next(iter(self.all(name)), "").strip(" \t")


class StrictPropagator(TextMapPropagator):
    """A format as OpenTelemetry's propagator: what it cannot read is as if not there."""

    names: tuple[str, ...]
    """The headers that `write` may set, in lower case."""

    @abstractmethod
    def read(self, headers: Headers) -> Parent | None:
        """The parent that the headers name; None unless they do so without a fault."""

    @abstractmethod
    def write(self, parent: Parent) -> dict[str, str]:
        """The headers that name `parent`."""

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """`context` (None: an empty one) with the parent that the carrier names."""
        context = Context() if context is None else context
        parent = self.read(Headers(carrier, getter))
        return context if parent is None else parent.set_in(context)

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Writes the span of `context` (None: the current one), if there is one."""
        parent = Parent.current(context)
        for name, value in self.write(parent).items() if parent else ():
            setter.set(carrier, name, value)

    @property
    def fields(self) -> set[str]:
        return set(self.names)
