"""People are found by their names, however these are written, until they are renamed or erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.model import SaveCustomer
from gateway.store.queries import profiles as queries
from tests.support.admin_api import ask
from tests.support.people import caller, save

if TYPE_CHECKING:
    import pytest

    from tests.support.running_gateway import RunningGateway


async def call(gateway: RunningGateway, customer_id: str, **attributes: Any) -> None:
    await gateway.services.pipeline.submit(SaveCustomer(caller("web"), customer_id, (), attributes))


async def found(gateway: RunningGateway, text: str) -> list[str]:
    items = (await ask(gateway, "GET", "profiles", params={"q": text}))["items"]
    return sorted(profile["records"][0]["customer_id"] for profile in items)


async def test_a_name_is_found_by_the_beginning_of_each_of_its_words(gateway: RunningGateway) -> None:
    await call(gateway, "1", firstName="Zoë", lastName="Müller-Lüdenscheidt")
    await call(gateway, "2", displayName="ZOE  van Dijk")
    await call(gateway, "3", displayName="محمد علي")
    await call(gateway, "4", displayName=7, firstName="", lastName="50%_Off")
    for text, expected in (
        ("zoe", ["1", "2"]),
        ("Muller", ["1"]),
        ("lüd zo", ["1"]),
        ("zoë mul", ["1"]),
        ("DIJK", ["2"]),
        ("va", ["2"]),
        ("zoe dijk", ["2"]),
        ("علي", ["3"]),
        ("off 50", ["4"]),
        ("oe", []),
        ("%", []),
        ("zoe smith", []),
    ):
        assert await found(gateway, text) == expected, text


async def test_a_person_is_found_by_the_present_name_only_and_not_after_an_erasure(
    gateway: RunningGateway,
) -> None:
    await call(gateway, "1", firstName="Ann", lastName="Lee")
    await call(gateway, "1", lastName="Miller", displayName="Annie")
    assert await found(gateway, "lee") == []
    assert await found(gateway, "mill") == await found(gateway, "annie") == ["1"]
    profile = await save(gateway.services, "web", "1")
    await ask(gateway, "DELETE", f"profiles/{profile}")
    assert await found(gateway, "ann") == []
    assert await gateway.services.store.fetch("SELECT * FROM person_name") == []


async def test_a_very_common_name_finds_its_first_holders(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await call(gateway, str(number), firstName="Ann", lastName=f"Lee{number}")
    monkeypatch.setattr(queries, "_IS_CALLED", queries._IS_CALLED.replace("LIMIT 500", "LIMIT 2"))
    assert await found(gateway, "ann") == ["0", "1"]


async def test_a_record_id_leads_to_its_profile(gateway: RunningGateway) -> None:
    await call(gateway, "1", firstName="Ann")
    [[number]] = await gateway.services.store.fetch("SELECT record_id FROM record")
    assert await found(gateway, f"rec_{number:016x}") == ["1"]
    assert await found(gateway, "rec_0000000000000001") == []
