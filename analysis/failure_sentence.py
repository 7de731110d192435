"""A failure in one sentence for people: where it began, why, and how far it went."""

from analysis.failures import Ending, Failure
from analysis.forest import Forest
from analysis.wording import count, duration


def sentence(forest: Forest, failure: Failure) -> str:
    """Plain text in the spans' own words: escape it like any of them."""
    parts = [_beginning(forest, failure), *_retry(failure), _reach(forest, failure)]
    if failure.lower:
        names = ", ".join(label(forest, row) for row in failure.lower[:3])
        more = f" and {len(failure.lower) - 3} more" if len(failure.lower) > 3 else ""
        parts.append(f"{names}{more} failed as well, but not first")
    if failure.consequences:
        parts.append(f"it cut {count(len(failure.consequences), 'span')} short")
    return "; ".join(part for part in parts if part)


def label(forest: Forest, row: int) -> str:
    service, name = forest.service[row], forest.name[row]
    return f"{forest.services[int(service)]}: {forest.names[int(name)]}"


def _beginning(forest: Forest, failure: Failure) -> str:
    failed, said = label(forest, failure.failed), failure.fault.said
    if failure.origin != failure.failed:
        return (
            f"{label(forest, failure.origin)} took {_took(forest, failure.origin)}, and"
            f" {failed} gave up after {_took(forest, failure.failed)} ({said})"
        )
    return f"{failed} failed: {failure.blame.reason} ({said})"


def _retry(failure: Failure) -> list[str]:
    if not failure.retry:
        return []
    times = count(len(failure.retry.attempts), "attempt")
    cost = duration(failure.retry.cost_nano)
    if failure.retry.succeeded:
        return [f"{times} failed until one succeeded, which cost {cost}"]
    return [f"all of {times} failed, which cost {cost}"]


def _reach(forest: Forest, failure: Failure) -> str:
    above = int(forest.parent[failure.top])
    climbed = ""
    if failure.chain:
        spans = count(len(failure.chain), "span")
        climbed = f"{spans} above failed with it, up to {label(forest, failure.top)}"
    if failure.ending == Ending.REACHED:
        return climbed
    if failure.ending == Ending.APART:
        return "; ".join(filter(None, (climbed, "nobody waited for it")))
    outcome = (
        f"{label(forest, above)} went on without it"
        if failure.ending == Ending.HANDLED
        else f"{label(forest, above)} failed by something else"
    )
    return "; ".join(filter(None, (climbed, outcome)))


def _took(forest: Forest, row: int) -> str:
    return duration(int(forest.end[row] - forest.start[row]))
