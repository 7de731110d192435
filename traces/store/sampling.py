"""Which of many traces a plot shows: a fixed share, spread evenly, always the same."""


def is_sampled(place: int, count: int, limit: int) -> bool:
    """Whether the trace at `place` among `count` (by trace id) is one of `limit`.

    Exactly min(count, limit) places are, the gaps between them differing by one at
    most.
    """
    return count <= limit or (place + 1) * limit // count > place * limit // count
