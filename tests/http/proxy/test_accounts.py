"""Whose account at the platform a customer sees after the profile was split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.language.parse import preset
from tests.support.forwarding import forwarding
from tests.support.public_api import ask

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

TILL, EMAIL = "+201012345678", "ann@shop-mail.com"


async def balance_of(gateway: RunningGateway, platform: Platform, customer_id: str) -> str:
    """The customer whom the platform is asked for."""
    await ask(gateway, "GET", f"customers/{customer_id}/balance")
    return platform.seen[-1].path.removeprefix("/customers/").removesuffix("/balance")


async def test_a_number_that_turns_generic_leaves_the_account_with_who_opened_it(
    start: Start, platform: Platform, tmp_path: Path
) -> None:
    platform.limits = False
    file = tmp_path / "rules.toml"
    file.write_text(preset("email-or-mobile") + '\n[conflict]\nresplit = "auto"\n')
    async with forwarding(start, platform, more=f'[rules]\nseed = "{file}"\n') as gateway:
        for customer_id, more in (
            ("w146", {"mobile": TILL}),
            ("w147", {"mobile": TILL, "email": EMAIL}),
            ("w148", {"email": EMAIL}),
            *((f"till-{number}", {"mobile": TILL}) for number in range(4)),
        ):
            await ask(gateway, "POST", "customers", json={"customerId": customer_id, **more})
        await gateway.regroup()
        assert [await balance_of(gateway, platform, one) for one in ("w146", "w147", "w148")] == [
            "w146",
            "w147",
            "w147",
        ]
