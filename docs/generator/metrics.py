"""The page of metrics, from the metrics themselves."""

from collections.abc import Iterator
from typing import Any

from docs.generator.text import bullet, paragraph, sentence
from gateway.telemetry.metrics import Metrics


def lines() -> Iterator[str]:
    yield paragraph(
        "`GET /metrics` on the admin listener gives these in Prometheus format. Labels are routes, codes and outcomes, "
        "never ids. [Monitor](../operations/monitor.md) says which to alert on."
    )
    yield ""
    metrics = Metrics()
    labels = {one._name: one._labelnames for one in _wrappers(metrics)}
    for family in sorted(metrics.registry.collect(), key=lambda one: one.name):
        named = labels.get(family.name, getattr(family, "_labelnames", ()))
        by = f", by {', '.join(f'`{label}`' for label in named)}" if named else ""
        ending = "_total" if family.type == "counter" else ""
        yield bullet(f"`{family.name}{ending}` ({family.type}{by}): {sentence(family.documentation)}")


def _wrappers(metrics: Metrics) -> list[Any]:
    """The metrics that hold their labels themselves; those of `Calls` are families that know theirs."""
    return [one for one in vars(metrics).values() if hasattr(one, "_labelnames")]
