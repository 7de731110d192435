"""Exponential histograms of durations, as OpenTelemetry's metrics data model has them.

At scale 5 bucket `i` holds (b^i, b^(i+1)] with b = 2^(1/32), so that a value taken for its
bucket is at most (b - 1) / (b + 1) = 1.083 % off. Merging adds counts. Zeros are apart.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]

SCALE: Final = 5
BUCKETS_PER_DOUBLING: Final = 1 << SCALE
BASE: Final = 2.0 ** (1 / BUCKETS_PER_DOUBLING)
RELATIVE_ERROR: Final = (BASE - 1) / (BASE + 1)
# The bucket of what took no time at all; durations are whole nanoseconds, so that no
# other value is below 1, whose bucket is -1.
ZERO_BUCKET: Final = -2
# Mantissas of `frexp` lie in [0.5, 1): these bound the buckets of one doubling.
_BOUNDS: Final = 0.5 * BASE ** np.arange(BUCKETS_PER_DOUBLING)
# 1.96 standard deviations: 95 % of a normal distribution.
_Z: Final = 1.96


def bucket_of(duration_nano: IntArray) -> IntArray:
    """The bucket of each duration of 0 ns or more."""
    mantissa, exponent = np.frexp(duration_nano.astype(np.float64))
    within = np.searchsorted(_BOUNDS, mantissa, side="left") - 1
    buckets = (exponent.astype(np.int64) - 1) * BUCKETS_PER_DOUBLING + within
    return np.where(duration_nano == 0, ZERO_BUCKET, buckets)


def value_of(bucket: IntArray) -> FloatArray:
    """The duration in nanoseconds that stands for a bucket."""
    middle = 2 * BASE ** (bucket.astype(np.float64) + 1) / (1 + BASE)
    return np.where(bucket == ZERO_BUCKET, 0.0, middle)


def upper_bound(bucket: IntArray) -> FloatArray:
    """The longest duration of a bucket, in nanoseconds."""
    bound = BASE ** (bucket.astype(np.float64) + 1)
    return np.where(bucket == ZERO_BUCKET, 0.0, bound)


def _shortest(bucket: np.int64) -> int:
    """The shortest duration of a bucket, in nanoseconds."""
    if bucket == ZERO_BUCKET:
        return 0
    # Powers are rounded: the bound is near where they say.
    power = BASE ** float(bucket)
    near = range(int(power * (1 - 1e-9)), int(power * (1 + 1e-9)) + 2)
    at = bisect_left(near, int(bucket), key=lambda nano: int(bucket_of(np.array(nano))))
    return near[at]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Weighted durations by bucket, ascending, with what buckets cannot tell.

    `weight_squares` is the sum of squared weights, which says how many unweighted
    values the histogram is worth.
    """

    buckets: IntArray
    weights: FloatArray
    min_nano: int
    max_nano: int
    sum_nano: float
    weight_squares: float

    @property
    def count(self) -> float:
        return float(self.weights.sum())

    @property
    def effective_count(self) -> float:
        if not self.weight_squares:
            return 0.0
        return self.count**2 / self.weight_squares

    @property
    def mean_nano(self) -> float:
        return self.sum_nano / self.count if len(self.weights) else 0.0

    def quantile(self, q: float) -> float | None:
        """Nearest rank in nanoseconds, within RELATIVE_ERROR; None of nothing."""
        if not len(self.buckets):
            return None
        cumulative = np.cumsum(self.weights)
        # Sums of doubles: a rank that is met up to rounding is met.
        rank = q * cumulative[-1] * (1 - 1e-12)
        at = min(int(np.searchsorted(cumulative, rank)), len(self.buckets) - 1)
        value = float(value_of(self.buckets[at : at + 1])[0])
        return float(min(max(value, self.min_nano), self.max_nano))

    def tail_nano(self, q: float) -> int | None:
        """The shortest duration of a slow tail: of all from one bucket up, the tail whose
        weight is nearest to 1 - q of the whole, by ratio; None of nothing.

        The quantile itself may lie beyond the longest duration of its bucket, or cut a
        bucket that holds far more than the tail.
        """
        if not len(self.buckets):
            return None
        tails = np.cumsum(self.weights[::-1])[::-1] / np.sum(self.weights)
        at = int(np.argmin(np.abs(np.log(tails / max(1 - q, 1e-9)))))
        return _shortest(self.buckets[at])

    def interval(self, q: float) -> tuple[float, float] | None:
        """Where the quantile lies with 95 % confidence, in nanoseconds."""
        count = self.effective_count
        if not count:
            return None
        spread = _Z * (q * (1 - q) / count) ** 0.5
        low, high = self.quantile(max(q - spread, 0)), self.quantile(min(q + spread, 1))
        return (low, high) if low is not None and high is not None else None


def _sums(place: IntArray, weights: FloatArray) -> FloatArray:
    found: FloatArray = np.bincount(place, weights=weights).astype(np.float64)
    return found


EMPTY: Final = Histogram(np.empty(0, np.int64), np.empty(0), 0, 0, 0.0, 0.0)


def histogram_of(duration_nano: IntArray, weights: FloatArray) -> Histogram:
    """Of durations of 0 ns or more."""
    if not len(duration_nano):
        return EMPTY
    buckets, place = np.unique(bucket_of(duration_nano), return_inverse=True)
    return Histogram(
        buckets,
        _sums(place, weights),
        int(duration_nano.min()),
        int(duration_nano.max()),
        float(np.dot(duration_nano.astype(np.float64), weights)),
        float(np.dot(weights, weights)),
    )


def merge(histograms: list[Histogram]) -> Histogram:
    """As if all their values had been in one."""
    filled = [each for each in histograms if len(each.buckets)]
    if not filled:
        return EMPTY
    every = np.concatenate([each.buckets for each in filled])
    weights = np.concatenate([each.weights for each in filled])
    buckets, place = np.unique(every, return_inverse=True)
    return Histogram(
        buckets,
        _sums(place, weights),
        min(each.min_nano for each in filled),
        max(each.max_nano for each in filled),
        sum(each.sum_nano for each in filled),
        sum(each.weight_squares for each in filled),
    )
