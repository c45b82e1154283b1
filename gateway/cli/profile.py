"""`gateway profile` and `gateway erase`: find, show, explain and remove one person."""

from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask, fetch, segment
from gateway.cli.audit_archive import note_archived
from gateway.cli.confirm import Yes, confirm
from gateway.cli.effects import print_effects
from gateway.cli.explanation import print_origin, print_pair
from gateway.cli.failure import REFUSED, Failure
from gateway.cli.graph import print_graph
from gateway.cli.history_table import HISTORY_COLUMNS
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, DryRun, PageSize, group
from gateway.cli.output import Columns, Row, plain, print_json, print_page, print_rows, say
from gateway.cli.people import who
from gateway.plural import counted

app = group("Find and show profiles.")
At = Annotated[
    str, typer.Option("--at", help="As it was: a time, a date, or a span back from now such as 7d.")
]
ProfileId = Annotated[
    str,
    typer.Argument(
        metavar="PROFILE",
        help="prf_…; an absorbed id leads to its survivor. `show` and `graph` take CHANNEL:ID too.",
    ),
]


@app.command()
def find(
    query: Annotated[
        str, typer.Argument(help="A profile id, a customer id, any identifier, or a name or its beginning.")
    ] = "",
    email: str = "",
    mobile: str = "",
    channel: Annotated[
        str, typer.Option(help="The channel of the customer id, and of a national number.")
    ] = "",
    customer_id: str = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Find live profiles; without a criterion, list the newest."""
    criteria = {"q": query, "email": email, "mobile": mobile, "channel": channel, "customer_id": customer_id}
    print_page(
        fetch(config, "/profiles", **criteria, limit=limit, cursor=cursor),
        _FOUND,
        as_json=json,
    )


_ODD: Columns = {
    "most": "measure",
    "profile": "profile",
    "who": "person",
    "number": "number",
    "limit": "limit",
}


@app.command()
def show(
    profile: ProfileId,
    at: At = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show everything about a profile, now or as it was."""

    async def shown(admin: Admin) -> Any:
        return await admin.get(f"/profiles/{segment(await _found(admin, profile))}", at=at)

    answer = ask(config, shown)
    if json:
        print_json(answer)
    else:
        print_profile(answer)


@app.command()
def odd(config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """List profiles with the most records, id spaces, names or identifiers, and the limits of the rules."""
    answer = fetch(config, "/odd-profiles")
    if json:
        print_json(answer)
        return
    rows = [
        {"measure": f"{one['measure']} {one['type']}".strip(), **profile}
        for one in answer["measures"]
        for profile in one["profiles"]
    ]
    if rows:
        print_rows(rows, _ODD)
    say(f"counted at {answer['counted_at']}" if answer["counted_at"] else "not counted yet")


@app.command()
def graph(profile: ProfileId, at: At = "", config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Show a profile as a tree of records and identifiers, with the rules that joined by them, now or as it was."""

    async def shown(admin: Admin) -> Any:
        await note_archived(admin)
        return await admin.get(f"/profiles/{segment(await _found(admin, profile))}/graph", at=at)

    answer = ask(config, shown)
    if json:
        print_json(answer)
    else:
        print_graph(answer)


async def _found(admin: Admin, profile: str) -> str:
    """The id of a profile that was named by a customer id."""
    id_space, separator, customer_id = profile.partition(":")
    if not separator:
        return profile
    answer = await admin.get("/profiles", channel=id_space, customer_id=customer_id, limit=1)
    if not answer["items"]:
        raise Failure(f"not_found: no customer {customer_id} is known at {id_space}", REFUSED, "not_found")
    return answer["items"][0]["id"]


@app.command()
def history(
    profile: ProfileId,
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List what happened to a profile and to those that it absorbed, newest first."""

    async def past(admin: Admin) -> Any:
        answer = await admin.get(f"/profiles/{segment(profile)}/history", limit=limit, cursor=cursor)
        if not answer["next"]:
            await note_archived(admin)
        return answer

    print_page(ask(config, past), HISTORY_COLUMNS, as_json=json)


@app.command()
def explain(
    profile: ProfileId,
    other: Annotated[
        str,
        typer.Argument(
            metavar="OTHER", help="Explain why it is, or is not, one with this profile. Or give two rec_…."
        ),
    ] = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Explain how a profile was built, or why two profiles or records are one or are not."""

    async def explained(admin: Admin) -> Any:
        if other:
            return await admin.get("/explain", a=profile, b=other)
        await note_archived(admin)
        return await admin.get(f"/profiles/{segment(profile)}/explain")

    answer = ask(config, explained)
    if json:
        print_json(answer)
    elif other:
        print_pair(answer)
    else:
        print_origin(answer)


def erase(
    profile: ProfileId,
    yes: Yes = False,
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Erase a person: every record, identifier, attribute and tag. There is no undo."""
    confirm(f"Erase {profile} for good?", yes=yes or dry_run)
    answer = ask(
        config, lambda admin: admin.delete(f"/profiles/{segment(profile)}", dry_run=dry_run), changes=True
    )
    if json:
        print_json(answer)
    elif answer["effects"]:
        print_effects(answer["effects"])
    else:
        say(f"{answer['erased']} is erased with {counted(answer['records'], 'record')}")


def print_profile(profile: Row) -> None:
    if profile["redirected_from"]:
        say(f"{profile['redirected_from']} was merged into {profile['id']}")
    balance = profile["balance"]
    say(plain(profile["person"]))
    say(f"{profile['id']}  version {profile['version']}, since {profile['created_at']}")
    say(f"balance {counted(balance['points'], 'point')}, score {balance['score']}")
    say(f"canonical id {plain(profile['canonical_id'])}")
    flags = {"deactivated": not profile["active"], "guest": profile["guest"]}
    for line in (name for name, holds in flags.items() if holds):
        say(line)
    if profile["at"]:
        say(f"as it was at {profile['at']}")
    _section("Records", profile["records"], _RECORDS)
    if more := profile["record_count"] - len(profile["records"]):
        say(f"and {counted(more, 'more record')}; gateway export has all of them")
    _section("Attributes", profile["values"], _ATTRIBUTES)
    _section("Claimed attributes", profile["claimed_attributes"], _CLAIMED_ATTRIBUTES)
    _section("Tags", [{"tag": tag} for tag in profile["tags"]], {"tag": "tag"})
    _section("Merges", profile["merges"], _MERGES)
    _section("Achievements", profile["achievements"], ACHIEVEMENTS)
    _section("Open reviews", profile["reviews"], _REVIEWS)


def _section(heading: str, rows: list[Any], columns: Columns) -> None:
    if rows:
        say(f"\n{heading}")
        print_rows(rows, columns)


def _identifiers(record: Row) -> str:
    stated = [f"{seen['type']} {seen['value']}{_remark(seen)}" for seen in record["observations"]]
    claimed = [f"{one['type']} {one['value']} (claimed, {one['source']})" for one in record["claims"]]
    return ", ".join((*stated, *claimed))


def _remark(seen: Row) -> str:
    remarks = [name for name in ("verified", "blocked", "retired") if seen[name]]
    return f" ({', '.join((*remarks, seen['source']))})"


def _customers(profile: Row) -> str:
    shown = ", ".join(f"{record['id_space']}:{record['customer_id']}" for record in profile["records"])
    more = profile["record_count"] - len(profile["records"])
    return f"{shown} and {more:,} more" if more else shown


_FOUND: Columns = {
    "profile": "id",
    "person": "person",
    "customers": _customers,
    "identifiers": lambda profile: ", ".join(
        dict.fromkeys(seen["value"] for record in profile["records"] for seen in record["observations"])
    ),
    "points": lambda profile: profile["balance"]["points"],
    "since": "created_at",
}
_RECORDS: Columns = {
    "record": "id",
    "id space": "id_space",
    "customer id": "customer_id",
    "identifiers": _identifiers,
    "points": "points",
    "since": "created_at",
}
_ATTRIBUTES: Columns = {
    "attribute": "name",
    "value": "value",
    "wins": "wins",
    "record": "record",
    "source": "source",
    "since": "at",
}
_CLAIMED_ATTRIBUTES: Columns = {"record": "record", "attribute": "name", "value": "value", "source": "source"}
_MERGES: Columns = {
    "merge": "id",
    "absorbed": "absorbed",
    "into": "survivor",
    "rule": "rule",
    "by": "actor",
    "at": "merged_at",
    "undone": "undone_at",
}
_REVIEWS: Columns = {
    "review": "id",
    "who": who,
    "reason": "reason",
    "rule": "rule",
    "opened": "opened_at",
}
ACHIEVEMENTS: Columns = {
    "achievement": "id",
    "campaign": "campaign",
    "state": "state",
    "reason": "reason",
    "channel": "channel",
    "accepted": "accepted_at",
    "due": "due_at",
    "decided": "decided_at",
    "points": "points",
}
