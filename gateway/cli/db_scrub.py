"""`gateway db scrub`: rewrites the database to remove copies of erased data from its unused bytes."""

from gateway.cli.admin_client import ask
from gateway.cli.confirm import Yes, confirm
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import note, print_json, say


def scrub(yes: Yes = False, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Rewrite the database, so that no copy of erased data is left in it. Calls wait until it is done."""
    confirm("Rewrite the whole database? Calls wait until it is done.", yes=yes)
    answer = ask(config, lambda admin: admin.post("/scrub"), changes=True)
    if json:
        print_json(answer)
        return
    say("the database was rewritten")
    for place in answer["left"]:
        note(f"copies of erased data may be left in {place}")
