"""What the critical path page shows of a profile: rows, boxes and bars with links."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analysis.histogram import FloatArray
from analysis.measured import OPERATION
from analysis.pages.flame import Box, Flame, flame, with_below
from analysis.paths import path_keys
from analysis.profile import ALL, Profile
from analysis.profile_change import Change, change
from analysis.requests import BAND_COUNT, BAND_NAMES
from analysis.results.measures import digest_of
from analysis.time_classes import TimeClass, class_sums
from analysis.what_if import Latency, latency, latency_if

MOST_ROWS: Final = 200
MOST_PARTS: Final = 12
MOST_OPERATIONS: Final = 50
MOST_REPLAYED: Final = 8
SHADES: Final = 4
CLASS_NAMES: Final = {
    TimeClass.OWN_CODE: "own code",
    TimeClass.DATABASE: "databases",
    TimeClass.CACHE: "caches",
    TimeClass.BETWEEN_SERVICES: "between services",
    TimeClass.EXTERNAL: "calls that no service answered with spans",
    TimeClass.MESSAGING: "sending messages",
}


@dataclass(frozen=True, slots=True)
class Step:
    service_name: str
    name: str


@dataclass(frozen=True, slots=True)
class PathRow:
    """A path in one band; times are nanoseconds a request."""

    key: str
    steps: list[Step]
    nano: float
    part: float
    self_nano: float
    calls: float
    requests: float
    failed: float
    slowest: str
    typical: str

    @property
    def step(self) -> Step:
        return self.steps[-1]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A path in the difference of two bands; nanoseconds a request."""

    key: str
    steps: list[Step]
    before_nano: float
    after_nano: float
    delta_nano: float
    more_calls_nano: float
    slower_calls_nano: float
    may_be_chance: bool
    slowest: str

    @property
    def step(self) -> Step:
        return self.steps[-1]


@dataclass(frozen=True, slots=True)
class FlameBox:
    """`shade` colours a difference: from -4, shrunk, to 4, grown; None by service."""

    box: Box
    key: str
    step: Step
    own_nano: float
    shade: int | None

    @property
    def color(self) -> str:
        if not self.shade:
            return "same"
        return f"{'grew' if self.shade > 0 else 'shrank'}-{abs(self.shade)}"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar, in percent of its width."""

    label: str
    service_name: str
    kind: int
    x: float
    width: float
    nano: float


class ProfilePage:
    """One profile, ready for rows of any band; keys name paths from look to look."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        forest = profile.forest
        keys = path_keys(profile.paths, forest.services, forest.names)
        self.keys = [key.hex() for key in keys]

    def path(self, key: str) -> int:
        """The entry's own path where there is none with this key."""
        return self.keys.index(key) if key in self.keys else 0

    def steps(self, path: int) -> list[Step]:
        return [self.step(each) for each in self.profile.paths.steps(path)]

    def step(self, path: int) -> Step:
        paths, forest = self.profile.paths, self.profile.forest
        return Step(
            forest.services[paths.service[path]], forest.names[paths.name[path]]
        )

    def per_request(self, values: FloatArray, band: int) -> FloatArray:
        found: FloatArray = values[:, band] / (self.profile.band_weight[band] or 1)
        return found

    def rows(self, band: int) -> list[PathRow]:
        sums = self.profile.sums
        columns = [
            self.per_request(each, band)
            for each in (sums.on_path_nano, sums.self_nano, sums.hits, sums.requests)
        ]
        nano, own, calls, requests = columns
        failed = sums.failed[:, band] / np.maximum(sums.hits[:, band], 1e-9)
        mean = self.profile.mean_nano(band) or 1.0
        order = np.lexsort((-own, -nano))
        shown = order[sums.hits[order, band] > 0][:MOST_ROWS].tolist()
        return [
            PathRow(
                self.keys[path],
                self.steps(path),
                float(nano[path]),
                float(nano[path]) / mean,
                float(own[path]),
                float(calls[path]),
                float(requests[path]),
                float(failed[path]),
                self.trace(self.profile.slowest[path, band]),
                self.trace(self.profile.typical[path, band]),
            )
            for path in shown
        ]

    def trace(self, request: int) -> str:
        return self.profile.trace_id(request).hex() if request >= 0 else ""

    def change_rows(self, told: Change, before: int, after: int) -> list[ChangeRow]:
        own = self.profile.sums.on_path_nano
        first, second = (self.per_request(own, band) for band in (before, after))
        order = np.argsort(-np.abs(told.delta_nano), kind="stable")
        shown = order[told.delta_nano[order] != 0][:MOST_ROWS].tolist()
        return [
            ChangeRow(
                self.keys[path],
                self.steps(path),
                float(first[path]),
                float(second[path]),
                float(told.delta_nano[path]),
                float(told.more_calls_nano[path]),
                float(told.slower_calls_nano[path]),
                bool(told.may_be_chance[path]),
                self.trace(self.profile.slowest[path, after]),
            )
            for path in shown
        ]

    def flame(
        self, band: int, top: int, delta: FloatArray | None = None
    ) -> tuple[Flame, list[FlameBox]]:
        own = self.per_request(self.profile.sums.on_path_nano, band)
        every = self.profile.sums.on_path_nano[:, ALL]
        order_by = with_below(self.profile.paths, every)
        found = flame(self.profile.paths, own, order_by, top)
        shades = None if delta is None else _shades(delta)
        boxes = [
            FlameBox(
                box,
                self.keys[box.path],
                self.step(box.path),
                float(own[box.path]),
                None if shades is None else int(shades[box.path]),
            )
            for box in found.boxes
        ]
        return found, boxes

    def parts(self, band: int) -> list[Part]:
        """Classes of time, the longest first; the shortest are put together."""
        bands = np.arange(BAND_COUNT) if band == ALL else np.array([band])
        totals = class_sums(self.profile, bands)
        ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
        weight = float(self.profile.band_weight[band]) or 1.0
        whole = sum(totals.values()) or 1.0
        parts, x = [], 0.0
        for (kind, service_name), nano in ordered[:MOST_PARTS]:
            width = 100 * nano / whole
            label = CLASS_NAMES[TimeClass(kind)]
            parts.append(
                Part(
                    label,
                    service_name,
                    kind,
                    round(x, 3),
                    round(width, 3),
                    nano / weight,
                )
            )
            x += width
        return parts


def _shades(delta: FloatArray) -> FloatArray:
    most = float(np.abs(delta).max(initial=0)) or 1.0
    shades: FloatArray = np.ceil(np.abs(delta) / most * SHADES) * np.sign(delta)
    # What is next to nothing has no colour.
    shades[np.abs(delta) < most / 100] = 0
    return shades


@dataclass(frozen=True, slots=True)
class OperationRow:
    """An operation within the requests; nanoseconds a request, all bands together.

    `gain_nano` is what the mean would lose if it took no time; None if not replayed.
    """

    step: Step
    nano: float
    gain_nano: float | None

    @property
    def key(self) -> str:
        """For an address: names of strangers may be of any length."""
        return digest_of(OPERATION, (self.step.service_name, self.step.name))


def operation_rows(page: ProfilePage) -> list[OperationRow]:
    """By time on the path; those that come first are replayed."""
    profile = page.profile
    totals: dict[Step, float] = {}
    own = page.per_request(profile.sums.on_path_nano, ALL).tolist()
    # A loop over paths, not spans.
    for path, nano in enumerate(own):
        step = page.step(path)
        totals[step] = totals.get(step, 0.0) + nano
    ordered = sorted(
        totals.items(), key=lambda item: (-item[1], item[0].service_name, item[0].name)
    )
    now = latency(profile)
    return [
        OperationRow(
            step,
            nano,
            _gain(profile, now, step) if at < MOST_REPLAYED and nano else None,
        )
        for at, (step, nano) in enumerate(ordered[:MOST_OPERATIONS])
    ]


def _gain(profile: Profile, now: Latency | None, step: Step) -> float | None:
    then = latency_if(profile, step.service_name, step.name, 1)
    return now.mean - then.mean if now and then else None


def change_bands(profile: Profile) -> tuple[int, int] | None:
    """The fastest and the slowest band that have requests; None if there is only one."""
    filled = np.flatnonzero(profile.band_weight[:BAND_COUNT])
    return (int(filled[0]), int(filled[-1])) if len(filled) > 1 else None


def change_context(page: ProfilePage, top: int) -> dict[str, Any]:
    """What differs between the fastest and the slowest band."""
    bands = change_bands(page.profile)
    if bands is None:
        return {"one_band": True}
    before, after = bands
    told = change(page.profile, before, after)
    found, boxes = page.flame(after, top, told.delta_nano)
    return {
        "before": BAND_NAMES[before],
        "after": BAND_NAMES[after],
        "before_nano": page.profile.mean_nano(before),
        "after_nano": page.profile.mean_nano(after),
        "delta_nano": page.profile.mean_nano(after) - page.profile.mean_nano(before),
        "change_rows": page.change_rows(told, before, after),
        "flame": found,
        "boxes": boxes,
    }
