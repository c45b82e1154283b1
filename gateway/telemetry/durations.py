"""Histograms of durations. They are counted as plain integers and become metrics only at a scrape, because every call pays for the
counting: it takes a tenth of the time that a metric object takes."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily

_BOUNDS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    120.0,
    300.0,
)


def bounds_up_to(longest: float) -> tuple[float, ...]:
    """The first bound of at least `longest` seconds is the last: what takes longer is cut off."""
    return _BOUNDS[: bisect_left(_BOUNDS, longest) + 1]


class Durations:
    """A histogram by labels. Its bounds never change."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self._described = name, documentation
        self._labels = labels
        self._bounds = bounds
        self._buckets: dict[tuple[str, ...], list[int]] = {}
        self._seconds: dict[tuple[str, ...], float] = {}

    def note(self, labels: tuple[str, ...], seconds: float) -> None:
        buckets = self._buckets.get(labels)
        if buckets is None:
            buckets = self._buckets[labels] = [0] * (len(self._bounds) + 1)
            self._seconds[labels] = 0.0
        buckets[bisect_left(self._bounds, seconds)] += 1
        self._seconds[labels] += seconds

    def family(self) -> HistogramMetricFamily:
        found = HistogramMetricFamily(*self._described, labels=self._labels)
        for labels, buckets in list(self._buckets.items()):
            named = zip((*map(str, self._bounds), "+Inf"), accumulate(buckets), strict=True)
            found.add_metric(labels, [(bound, float(total)) for bound, total in named], self._seconds[labels])
        return found
