"""`gateway db new-secret`: for a shop that lost its master secret. Data that the old secret protects stays, but can no longer
be read or checked: keys of `gateway keys new`, the log's pseudonyms, signed checkpoints."""

import asyncio

from gateway.cli.admin_client import running_at
from gateway.cli.confirm import Yes, confirm
from gateway.cli.failure import Failure
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, settings
from gateway.cli.output import note, print_json, say
from gateway.config import Config
from gateway.plural import counted


def new_secret(yes: Yes = False, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Replace a master secret that is lost for good."""
    confirm("Give up the old master secret for good? Keys made under it stop working.", yes=yes)
    dropped = asyncio.run(_go_on(settings(config)))
    if json:
        print_json({"checkpoints_dropped": dropped})
    else:
        say(f"the database now uses this master secret; {counted(dropped, 'old checkpoint')} dropped")
    note("keys made under the old secret no longer work: gateway keys new, then gateway keys revoke")
    note("nor do tokens of operators: gateway operators rotate")


async def _go_on(config: Config) -> int:
    from gateway.app.opening import offline, replace_secret
    from gateway.model import Caller
    from gateway.store.gateway_reads import is_signed_with

    if await running_at(config) is not None:
        raise Failure("a gateway runs on these settings; stop all gateways of the database first")
    async with offline(config, changes=True, any_secret=True) as services:
        if await is_signed_with(services.store, services.checkpoint_key):
            raise Failure("the database was written with this master secret; there is nothing to replace")
        if not await services.store.take_lead("housekeeping"):
            raise Failure("another gateway runs on this database, or was killed just now; stop it, wait 25 s")
        return await replace_secret(services, Caller("", "", "operator", "", "operator"))
