"""The page of audit actions, from the table beside their enumeration."""

from collections.abc import Iterator

from docs.generator.text import bullet, paragraph, sentence
from gateway.audit.event import MEANINGS


def lines() -> Iterator[str]:
    yield paragraph(
        "Every change and every refused call is an event with one of these actions. [The audit "
        "log](../operations/audit-log.md) says what else an event has, and `gateway audit query --action` finds events "
        "by action."
    )
    yield ""
    for action, meaning in MEANINGS.items():
        yield bullet(f"`{action.value}`: {sentence(meaning)}")
