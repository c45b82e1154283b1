"""`gateway rules`: rule sets from the file to the running gateway."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask, fetch, segment
from gateway.cli.check import strangers
from gateway.cli.failure import Failure
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, group, settings
from gateway.cli.output import Columns, Row, note, print_document, print_json, print_page, print_rows, say
from gateway.cli.people import who
from gateway.cli.rule_file import RuleFile, parsed, remarks_on, warn_of
from gateway.cli.rule_history import diff, stats
from gateway.config import ConfigError
from gateway.plural import counted
from rules.ruleset import RuleSet

app = group("Check, store, list, compare and activate rule sets.")
app.command()(diff)
app.command()(stats)
Version = Annotated[str, typer.Argument(metavar="VERSION", help="From `rules list`.")]
_COLUMNS: Columns = {
    "version": "version",
    "active": "active",
    "stored": "stored_at",
    "by": "author",
    "activated": "activated_at",
    "profiles regrouped": lambda row: _progress(row["regrouping"]),
    "sha256": lambda row: row["sha256"][:16],
}

_COUNTS = {
    "profiles_before": "profiles now",
    "profiles_after": "profiles then",
    "merged": "profiles that would merge",
    "split": "profiles that would be split",
    "blocked": "profiles kept apart by a guard",
    "in_review": "profiles that a person would be asked about",
    "reviews": "questions",
    "largest_before": "records on the largest profile now",
    "largest": "records on the largest profile then",
    "points": "points that would change hands",
    "by_score": "merges that the next search would make by a score",
}
_CHANGED = "merged {merged}, split {split}, questions {asked}, points that changed hands {points}, left out {skipped}"
_COUNTED: Columns = {"what": "what", "number": "number"}
_CASES: Columns = {
    "what": "kind",
    "who": who,
    "records": lambda case: " ".join(case["records"][:3]) + (" …" if len(case["records"]) > 3 else ""),
    "points": "points",
    "rule": "rule",
    "types": lambda case: " ".join(case["types"]),
    "guard": "guard",
}


@app.command()
def check(file: RuleFile, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Check a rule file and report every problem with its line. Needs no database; the settings, if there are any, name the
    channels."""
    rules = parsed(file, as_json=json)
    others = _strangers(rules, config)
    if json:
        known = {"version": rules.version, "sha256": rules.sha256}
        print_json({"ok": True, **known, "problems": [], "warnings": [*remarks_on(rules), *others]})
    else:
        say(f"{file}: rule set {rules.version} is in order: {', '.join(rule.name for rule in rules.rules)}")
    warn_of(rules, file, others)


def _strangers(rules: RuleSet, config: Path) -> list[str]:
    """None if the settings cannot be used here; a rule file can be checked without them."""
    try:
        return strangers(rules, settings(config))
    except (ConfigError, Failure):
        return []


@app.command()
def apply(file: RuleFile, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Check a rule file, store it, and activate it. Unless it says `activation = "immediate"`, its plan has to be made
    first."""
    rules = parsed(file, as_json=json)
    warn_of(rules, file)

    async def applied(admin: Admin) -> Any:
        stored = await admin.post("/rules", {"text": rules.text}, activate=rules.activation == "immediate")
        if stored["planned"] and not stored["active"]:
            return await admin.post(f"/rules/{segment(rules.version)}/activate")
        return stored

    answer = ask(config, applied, changes=True)
    if json:
        print_json(answer)
        return
    say(f"rule set {rules.version} is {'active' if answer['active'] else 'stored, not active'}")
    if not answer["active"]:
        note(f"first see what it would do: gateway rules plan {file}; then apply it again")


@app.command()
def plan(file: RuleFile, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Show what a rule file would do to all stored customers, and change nothing."""
    rules = parsed(file, as_json=json)
    warn_of(rules, file)
    answer = ask(config, lambda admin: admin.post("/rules/plan", {"text": rules.text}), changes=True)
    if json:
        print_json(answer)
        return
    counts = answer["counts"]
    known = [(what, counts[key]) for key, what in _COUNTS.items() if counts[key] is not None]
    print_rows([{"what": what, "number": number} for what, number in known], _COUNTED)
    if answer["claims"]:
        say(f"\n{counted(answer['claims'], 'claim')} not counted: only statements of trusted sources count")
    if answer["cases"]:
        say("\nSamples")
        print_rows(answer["cases"], _CASES)
    note(f"nothing was changed; to use it: gateway rules apply {file}")


@app.command("list")
def list_(
    limit: PageSize = 50, cursor: Cursor = "", config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False
) -> None:
    """List stored rule sets, newest first."""
    print_page(fetch(config, "/rules", limit=limit, cursor=cursor), _COLUMNS, as_json=json)


@app.command()
def show(version: Version, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Print a rule set as it was stored."""
    answer = fetch(config, f"/rules/{segment(version)}")
    if json:
        print_json(answer)
        return
    print_document(answer["text"])
    if (walk := answer["regrouping"]) is not None:
        note(f"profiles regrouped: {_progress(walk)}; {_CHANGED.format(**walk)}")
        if walk["skipped"]:
            note(
                "to see which profiles were left out, and why: gateway audit query --action identity.skipped"
            )


@app.command()
def activate(version: Version, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Make a stored rule set the active one. Activate an earlier one to roll back."""
    answer = ask(config, lambda admin: admin.post(f"/rules/{segment(version)}/activate"), changes=True)
    if json:
        print_json(answer)
    else:
        say(f"rule set {version} {'is active now' if answer['changed'] else 'was active already'}")


@app.command()
def resume(config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Try regroupings again that failed. `gateway audit query --action regrouping.failed` says why."""
    answer = ask(config, lambda admin: admin.post("/regroupings/resume"), changes=True)
    if json:
        print_json(answer)
    else:
        say(f"{counted(answer['resumed'], 'regrouping')} resumed")


def _progress(walk: Row | None) -> str:
    """The progress of the regrouping after a rule set was activated."""
    if walk is None:
        return ""
    if walk["failed"]:
        return f"failed, {walk['failed']}"
    return "all" if walk["finished_at"] else f"{walk['looked']} of {walk['total'] or '?'}"
