"""Who is responsible for a failure, and of which class it is."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analysis.habits import Habits
from analysis.propagation import Family
from traces.spans import SpanKind

# Plain numbers: members of an enumeration are slow to look up span by span.
_CALLS: Final = (int(SpanKind.CLIENT), int(SpanKind.PRODUCER))
_SERVER: Final = int(SpanKind.SERVER)


class FailureClass(StrEnum):
    ERROR = "error"
    """The span failed by itself."""
    PEER = "peer"
    """A call failed at a peer that sends no spans."""
    UNREACHABLE = "unreachable"
    """A call did not arrive."""
    SLOW = "slow"
    """A caller gave up waiting for it."""
    REJECTED = "rejected"
    """The caller asked for what the callee rightly refuses."""
    OVERLOAD = "overload"
    """The callee had too much to do."""
    EXHAUSTED = "exhausted"
    """The caller had no connection left."""


@dataclass(frozen=True, slots=True)
class Blame:
    """`responsible` is a service, or where `is_peer` a name that a caller knows.
    `reason` is why, as the end of a sentence."""

    failure_class: FailureClass
    responsible: str
    reason: str
    is_peer: bool = False


def blame(
    family: Family, row: int, origin: int, peer: str, known: Habits, *, answered: bool
) -> Blame:
    """Of the failed span `row`, whose time went in `origin`."""
    if origin != row:
        return _too_slow(family, row, origin)
    if family.kinds[row] in _CALLS:
        return _of_call(family, row, peer, known, answered=answered)
    return _of_itself(family, row, known)


def _too_slow(family: Family, row: int, origin: int) -> Blame:
    service = _service(family, origin)
    reason = f"{service} was too slow for {_service(family, row)}, which gave up"
    return Blame(FailureClass.SLOW, service, reason)


def _of_call(
    family: Family, row: int, peer: str, known: Habits, *, answered: bool
) -> Blame:
    fault, caller = family.faults[row], _service(family, row)
    callee = _callee(family, row) or peer or "the peer"
    is_peer = not answered
    if fault.exhausted and is_peer:
        reason = f"{caller} had no connection to {callee} left"
        return Blame(FailureClass.EXHAUSTED, caller, reason)
    if fault.overloaded:
        reason = f"{callee} said that it was overloaded or away ({fault.code})"
        return Blame(FailureClass.OVERLOAD, callee, reason, is_peer)
    if fault.callers_fault and not fault.timed_out:
        reason = f"{callee} refused what {caller} asked for ({fault.code})"
        return Blame(FailureClass.REJECTED, caller, reason)
    if is_peer:
        return _of_silent_peer(family, row, callee, known)
    if fault.timed_out:
        reason = f"the time went between {caller} and {callee}"
        return Blame(FailureClass.SLOW, callee, reason)
    reason = f"{callee} did not fail, but {caller} did on its answer"
    return Blame(FailureClass.ERROR, caller, reason)


def _of_silent_peer(family: Family, row: int, peer: str, known: Habits) -> Blame:
    fault = family.faults[row]
    if family.operation(row) in known.is_answered:
        reason = f"no span of {peer} is there, though nearly all calls have one"
        return Blame(FailureClass.UNREACHABLE, peer, reason, is_peer=True)
    if fault.unreachable:
        reason = f"{peer} could not be reached"
        return Blame(FailureClass.UNREACHABLE, peer, reason, is_peer=True)
    if fault.timed_out:
        reason = f"{peer} did not answer in time"
        return Blame(FailureClass.SLOW, peer, reason, is_peer=True)
    reason = f"{peer} failed, which sends no spans of its own"
    return Blame(FailureClass.PEER, peer, reason, is_peer=True)


def _of_itself(family: Family, row: int, known: Habits) -> Blame:
    fault, service = family.faults[row], _service(family, row)
    if fault.timed_out:
        reason = f"{service} did not end in time"
        return Blame(FailureClass.SLOW, service, reason)
    if fault.overloaded:
        reason = f"{service} said that it was overloaded or away ({fault.code})"
        return Blame(FailureClass.OVERLOAD, service, reason)
    childless = not family.children.get(row)
    if childless and family.operation(row) in known.calls:
        reason = f"{service} failed before it called what it usually calls"
        return Blame(FailureClass.ERROR, service, reason)
    if childless:
        return Blame(FailureClass.ERROR, service, "it called nothing that could fail")
    return Blame(FailureClass.ERROR, service, "nothing that it called made it fail")


def _callee(family: Family, row: int) -> str:
    """The service of its server span, if it has one."""
    own = _service(family, row)
    for child in family.children.get(row, []):
        is_server = family.kinds[child] == _SERVER
        if is_server or _service(family, child) != own:
            return _service(family, child)
    return ""


def _service(family: Family, row: int) -> str:
    return family.forest.services[family.operations[row][0]]
