"""Explanations in words: why two profiles are one or are not, and how a profile was built."""

from typing import Any

from gateway.cli.output import Columns, Row, note, print_rows, say
from gateway.plural import counted

_LIKENESS = {
    "provider_form": "the same mailbox, written in two ways",
    "powerless": "equal, but it joins no profiles",
}


def print_pair(pair: Row) -> None:
    """Prints every rule, then the verdict."""
    print_rows(pair["rules"], _RULES)
    _print_claims(pair["claimed"])
    say(f"\n{pair['words'][-1]}")


def print_origin(origin: Row) -> None:
    print_rows(origin["steps"], _STEPS)
    _print_claims(origin["claimed"])
    note(f"{origin['profile']}: {counted(len(origin['steps']), 'step')}")


def _print_claims(claimed: list[Row]) -> None:
    if claimed:
        say("\nClaimed, but not counted")
        print_rows(claimed, _CLAIMED)


def _compared(rule: Row) -> str:
    return ", ".join(
        f"{one['type']} {_LIKENESS.get(one['likeness'], one['likeness'])}{_wanted(one)}"
        for one in rule["compared"]
    )


def _wanted(one: Row) -> str:
    if not one["wanted"]:
        return ""
    how = f"{one['how']}; " if one["how"] else ""
    return f" ({how}wanted: {one['wanted']})"


def _what(step: Row) -> str:
    records = counted(len(step["records"]), "record")
    match step["what"]:
        case "arrived":
            return f"{_listed(step)} arrived on {step['profile']}"
        case "merged":
            return f"{step['source']} became one with {step['profile']}, bringing {records}"
        case "undone":
            return f"that merge was undone: {_listed(step)} left {step['source']} for {step['profile']}"
        case _:
            return f"{_listed(step)} left {step['source']} for {step['profile']}"


def _listed(step: Row) -> str:
    shown: list[Any] = step["records"][:3]
    more = len(step["records"]) - len(shown)
    return " ".join(shown) + (f" and {more} more" if more else "")


_RULES: Columns = {"rule": "rule", "compared": _compared, "says": "outcome", "because": "doubt"}
_CLAIMED: Columns = {"record": "record", "type": "type", "source": "source"}
_STEPS: Columns = {"at": "at", "what": _what, "by rule": "rule"}
