"""`gateway review`: the questions that the rules leave to a person."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from gateway.cli import bulk
from gateway.cli.admin_client import ask, fetch, segment
from gateway.cli.bulk import start_job
from gateway.cli.confirm import Yes
from gateway.cli.effects import print_consequence, print_effects
from gateway.cli.options import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigFile,
    Cursor,
    DryRun,
    PageSize,
    Since,
    Until,
    Why,
    group,
)
from gateway.cli.output import Columns, Row, plain, print_json, print_page, print_rows, say
from gateway.cli.people import who

app = group("List and answer the questions that the rules leave to a person.")
ReviewId = Annotated[str, typer.Argument(metavar="REVIEW", help="rev_…, from `review list`.")]
_COLUMNS: Columns = {
    "review": "id",
    "who": who,
    "state": "state",
    "reason": "reason",
    "rule": "rule",
    "they meet on": lambda review: ", ".join(review["types"]),
    "records": lambda review: " ".join(review["records"]),
    "opened": "opened_at",
    "closed": "closed_at",
    "by": "closed_by",
}


_PEOPLE: Columns = {
    "person": lambda one: one["person"] or one["profile"],
    "profile": "profile",
    "questions": "questions",
    "points": lambda one: max(review["points"] for review in one["reviews"]),
    "newest evidence": lambda one: max(review["evidence_at"] for review in one["reviews"]),
    "first": lambda one: " ".join(review["id"] for review in one["reviews"][:3]),
}


_OF_A_QUESTION: Columns = {"review": "id", "who": who, "reason": "reason", "opened": "opened_at"}
_ANSWERS = {
    verdict: bulk.Work(
        f"/reviews/{verdict}",
        "review",
        "question",
        f"Answer {{}} with {word}?",
        f"{{}} would be answered with {word}",
        _OF_A_QUESTION,
    )
    for verdict, word in (("accept", "yes"), ("reject", "no"))
}
Reason = Annotated[str, typer.Option(help="Only with this reason; `points` for all about points.")]
Rule = Annotated[str, typer.Option(help="Only those that this rule asks.")]
Channel = Annotated[str, typer.Option(help="Only about customers of this channel.")]
OpenedSince = Annotated[str, typer.Option(help="Opened since: a time, a date, or a span such as 7d.")]
OpenedBefore = Annotated[str, typer.Option(help="Opened before: a time, a date, or a span such as 7d.")]


@app.command("list")
def list_(
    state: Annotated[
        str, typer.Option(help="open, accepted, rejected or stale; all of them with an empty one.")
    ] = "open",
    reason: Reason = "",
    rule: Rule = "",
    channel: Channel = "",
    since: OpenedSince = "",
    until: OpenedBefore = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List questions, newest first; the open ones unless told otherwise."""

    filters = {"state": state, "reason": reason, "rule": rule, "channel": channel}
    print_page(
        fetch(config, "/reviews", **filters, since=since, until=until, limit=limit, cursor=cursor),
        _COLUMNS,
        as_json=json,
    )


@app.command("people")
def people_(
    sort: Annotated[
        str, typer.Option(help="evidence: the newest first; points: the most points at stake first.")
    ] = "evidence",
    reason: Reason = "",
    rule: Rule = "",
    channel: Channel = "",
    since: OpenedSince = "",
    until: OpenedBefore = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List the people about whom questions are open."""
    filters = {"sort": sort, "reason": reason, "rule": rule, "channel": channel}
    answer = fetch(config, "/reviews/people", **filters, since=since, until=until, limit=limit, cursor=cursor)
    print_page(answer, _PEOPLE, as_json=json)


@app.command()
def show(review: ReviewId, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Show both sides of a question, and what would follow from yes and from no."""
    answer = fetch(config, f"/reviews/{segment(review)}")
    if json:
        print_json(answer)
    else:
        _print_review(answer)


def _print_review(review: Row) -> None:
    asked = f"{plain(review['reason'])}, opened at {review['opened_at']}"
    say(f"{review['id']} is {review['state']}: {asked}\n")
    print_rows(review["sides"], _SIDES)
    for heading, column in (("agrees", "agrees"), ("differs", "differs")):
        if review[column]:
            say("")
            print_rows(
                review[column],
                {heading: "what", "one": _values("one"), "other": _values("other"), "likeness": _likeness},
            )
    if review["trace"]:
        say("")
        for line in review["trace"]["words"]:
            say(plain(line))
    if review["yes"]:
        print_consequence("yes (review accept)", review["yes"])
        print_consequence("no (review reject)", review["no"])
    if review["undo"]:
        print_consequence("review undo", review["undo"])


def _likeness(compared: Row) -> str:
    return f"{compared['likeness']} ({compared['how']})" if compared["how"] else str(compared["likeness"])


def _values(side: str) -> Callable[[Row], str]:
    return lambda compared: ", ".join(str(value) for value in compared[side])


_SIDES: Columns = {
    "profile": lambda side: side["profile"]["id"],
    "who": "person",
    "customers": lambda side: ", ".join(
        f"{record['id_space']}:{record['customer_id']}" for record in side["profile"]["records"]
    ),
    "points": lambda side: side["profile"]["balance"]["points"],
    "last seen": "last_seen",
}


@app.command()
def accept(
    review: ReviewId,
    reason: Why = "",
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Yes: they are one person; or the records leave; or the keys are the other side's."""
    _answer(review, "accept", {"reason": reason, "dry_run": dry_run}, config, as_json=json)


@app.command()
def reject(
    review: ReviewId,
    reason: Why = "",
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """No: they are two persons; or the records stay; or the keys stay."""
    _answer(review, "reject", {"reason": reason, "dry_run": dry_run}, config, as_json=json)


@app.command()
def undo(
    review: ReviewId,
    reason: Why = "",
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Take back the answer: what it did is undone, and the question is open again."""
    _answer(review, "undo", {"reason": reason, "dry_run": dry_run}, config, as_json=json)


def _answer(review: str, verdict: str, body: Row, config: Path, *, as_json: bool) -> None:
    answer = ask(
        config, lambda admin: admin.post(f"/reviews/{segment(review)}/{verdict}", body), changes=True
    )
    if as_json:
        print_json(answer)
        return
    if answer["effects"]:
        print_effects(answer["effects"])
        return
    was = "is" if answer["changed"] else "was"
    say(f"{review} {was} {answer['state']}: {' and '.join(answer['now']) or 'the profiles were erased'}")


@app.command("answer-all")
def answer_all(
    verdict: Annotated[
        Literal["accept", "reject"], typer.Argument(metavar="VERDICT", help="accept: yes. reject: no.")
    ],
    question: Reason = "",
    rule: Rule = "",
    channel: Channel = "",
    since: Since = "",
    until: Until = "",
    reason: bulk.WhyMany = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Answer all open questions that match the filters, as a job in the background."""
    filters = {"question": question, "rule": rule, "channel": channel, "since": since, "until": until}
    body = {**filters, "reason": reason}
    start_job(_ANSWERS[verdict], body, config, dry_run=dry_run, yes=yes, as_json=json)
