"""`gateway db scrub`: the database written anew, for the copies of erased data that are left in its unused bytes."""

from typing import Any

from gateway.cli.confirm import Yes, confirm
from gateway.cli.connection import Admin, ask
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import note, print_json, say


def scrub(yes: Yes = False, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Rewrite the database, so that no copy of erased data is left in it. Calls wait meanwhile."""
    confirm("Write the whole database anew? Calls wait until it is done.", yes=yes)

    async def scrubbed(admin: Admin) -> Any:
        return await admin.post("/scrub")

    answer = ask(config, scrubbed, changes=True)
    if json:
        print_json(answer)
        return
    say("the database is written anew")
    for place in answer["left"]:
        note(f"copies of erased data may be left in {place}")
