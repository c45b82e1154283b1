"""Customers as the API keeps them: attributes, the guest and active flags, and tags of one whole person."""

from typing import Any

import pytest

from gateway.clock import MINUTE
from gateway.model import UnknownCustomer
from tests.support.in_process_gateway import InProcessGateway, active, customer, tags

ANN = "ann@x.eg"


async def attributes(core: InProcessGateway) -> dict[tuple[str, str], str]:
    rows = await core.rows(
        "SELECT r.customer_id, a.name, a.value FROM attribute a JOIN record r ON r.record_id = a.record_id"
    )
    return {(who, name): value for who, name, value in rows}


async def flags(core: InProcessGateway) -> dict[str, tuple[int, int]]:
    rows = await core.rows("SELECT customer_id, active, guest FROM record")
    return {who: (active, guest) for who, active, guest in rows}


async def joined(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", email=ANN))


# ---- saving ----


async def test_the_second_identical_save_writes_no_event_and_changes_nothing(core: InProcessGateway) -> None:
    command = customer("web:ann", {"city": "Giza", "age": 30, "vip": True}, guest=False, email=ANN)
    assert (await core.send(command)).changed
    events = await core.actions()
    for pause in (0, MINUTE):
        core.clock.advance(pause)
        assert not (await core.send(command)).changed
    assert await core.actions() == events


async def test_attributes_that_a_save_leaves_out_stay(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", {"city": "Giza", "age": 30}, guest=True))
    await core.send(customer("web:ann", {"age": 31}))
    assert await attributes(core) == {("ann", "city"): '"Giza"', ("ann", "age"): "31"}
    assert await flags(core) == {"ann": (1, 1)}


async def test_the_audit_log_names_what_changed_but_not_to_what(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", {"city": "Giza"}))
    await core.send(customer("web:ann", {"city": "Luxor", "age": 30}))
    detail = (await core.column("SELECT detail FROM audit"))[-1]
    words = await core.column("SELECT words FROM audit_words ORDER BY event_id")
    assert words == ['{"changed":["city"]}', '{"changed":["age","city"]}']
    assert "city" not in detail


async def test_each_record_keeps_its_own_values(core: InProcessGateway) -> None:
    await joined(core)
    await core.send(customer("web:ann", {"city": "Giza"}))
    await core.send(customer("pos:17", {"city": "Cairo"}))
    assert await attributes(core) == {("ann", "city"): '"Giza"', ("17", "city"): '"Cairo"'}


@pytest.mark.parametrize("value", [None, "", 0, 0.5, [], {"b": 1, "a": [None]}, "ŷ😀", 1 << 60])
async def test_any_json_value_is_kept_and_recognised(core: InProcessGateway, value: Any) -> None:
    await core.send(customer("web:ann", {"x": value}))
    assert not (await core.send(customer("web:ann", {"x": value}))).changed


async def test_true_and_one_are_different_values(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", {"x": 1}))
    assert (await core.send(customer("web:ann", {"x": True}))).changed


async def test_a_guest_who_registers_is_no_guest_any_more(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", guest=True))
    assert await flags(core) == {"ann": (1, 1)}
    assert (await core.send(customer("web:ann", guest=False))).changed
    assert await flags(core) == {"ann": (1, 0)}


# ---- activating ----


async def test_switching_off_applies_to_every_id_of_the_person(core: InProcessGateway) -> None:
    await joined(core)
    assert (await core.send(active("pos:17", active=False))).changed
    assert await flags(core) == {"ann": (0, 0), "17": (0, 0)}
    assert not (await core.send(active("web:ann", active=False))).changed
    assert (await core.send(active("web:ann", active=True))).changed
    assert await flags(core) == {"ann": (1, 0), "17": (1, 0)}
    events = [action for action in await core.actions() if action.startswith("customer.")]
    assert events == ["customer.deactivated", "customer.activated"]


async def test_switching_an_unknown_customer_off_creates_no_record(core: InProcessGateway) -> None:
    assert await core.send(active("web:ann", active=False)) == UnknownCustomer()
    assert await core.rows("SELECT * FROM record") == []


async def test_saving_again_does_not_switch_on(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    await core.send(active("web:ann", active=False))
    await core.send(customer("web:ann", {"city": "Giza"}, email=ANN))
    assert await flags(core) == {"ann": (0, 0)}


# ---- tags ----


async def tagged(core: InProcessGateway) -> set[tuple[str, str]]:
    return set(  # type: ignore[return-value]
        await core.rows("SELECT r.customer_id, t.tag FROM tag t JOIN record r ON r.record_id = t.record_id")
    )


async def test_a_tag_of_the_person_is_not_attached_a_second_time(core: InProcessGateway) -> None:
    await joined(core)
    assert (await core.send(tags("web:ann", attach="vip"))).changed
    assert not (await core.send(tags("pos:17", attach="vip"))).changed
    assert (await core.send(tags("pos:17", attach="vip staff"))).changed
    assert await tagged(core) == {("ann", "vip"), ("17", "staff")}


async def test_a_tag_is_detached_from_every_id_of_the_person(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", mobile="+201001234567"))
    await core.send(tags("web:ann", attach="vip"))
    await core.send(tags("pos:17", attach="vip"))
    await core.send(customer("pos:17", email=ANN, mobile="+201001234567"))
    assert (await core.send(tags("pos:17", detach="vip unknown"))).changed
    assert await tagged(core) == set()
    assert not (await core.send(tags("web:ann", detach="vip"))).changed


async def test_a_tag_in_another_case_is_the_same_tag(core: InProcessGateway) -> None:
    await joined(core)
    assert (await core.send(tags("web:ann", attach="Employee"))).changed
    assert not (await core.send(tags("pos:17", attach="EMPLOYEE"))).changed
    assert await tagged(core) == {("ann", "Employee")}
    assert (await core.send(tags("pos:17", detach="employee"))).changed
    assert await tagged(core) == set()


async def test_of_two_spellings_in_one_call_one_is_attached(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(tags("web:ann", attach="vip VIP Straße STRASSE"))
    assert await tagged(core) == {("ann", "VIP"), ("ann", "STRASSE")}


async def test_all_spellings_that_a_merge_brought_together_are_detached(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", mobile="+201001234567"))
    await core.send(tags("web:ann", attach="vip"))
    await core.send(tags("pos:17", attach="Vip"))
    await core.send(customer("pos:17", email=ANN, mobile="+201001234567"))
    assert (await core.send(tags("pos:17", detach="VIP"))).changed
    assert await tagged(core) == set()


async def test_tagging_an_unknown_customer_creates_no_record(core: InProcessGateway) -> None:
    assert await core.send(tags("web:ann", attach="vip")) == UnknownCustomer()
