"""Customers as the API keeps them: attributes, the guest and active flags, and tags of one whole person."""

from typing import Any

import pytest

from gateway.clock import MINUTE
from gateway.model import UnknownCustomer
from tests.support.in_process_gateway import InProcessGateway, active, customer, tags

ANN = "ann@x.eg"


async def attributes(house: InProcessGateway) -> dict[tuple[str, str], str]:
    rows = await house.rows(
        "SELECT r.customer_id, a.name, a.value FROM attribute a JOIN record r ON r.record_id = a.record_id"
    )
    return {(who, name): value for who, name, value in rows}


async def flags(house: InProcessGateway) -> dict[str, tuple[int, int]]:
    rows = await house.rows("SELECT customer_id, active, guest FROM record")
    return {who: (active, guest) for who, active, guest in rows}


async def joined(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", email=ANN))
    await house.send(customer("pos:17", email=ANN))


# ---- saving ----


async def test_the_second_identical_save_writes_no_event_and_changes_nothing(house: InProcessGateway) -> None:
    command = customer("web:ann", {"city": "Giza", "age": 30, "vip": True}, guest=False, email=ANN)
    assert (await house.send(command)).changed
    events = await house.actions()
    for pause in (0, MINUTE):
        house.clock.advance(pause)
        assert not (await house.send(command)).changed
    assert await house.actions() == events


async def test_what_a_save_leaves_out_stays(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", {"city": "Giza", "age": 30}, guest=True))
    await house.send(customer("web:ann", {"age": 31}))
    assert await attributes(house) == {("ann", "city"): '"Giza"', ("ann", "age"): "31"}
    assert await flags(house) == {"ann": (1, 1)}


async def test_the_audit_log_names_what_changed_but_not_to_what(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", {"city": "Giza"}))
    await house.send(customer("web:ann", {"city": "Luxor", "age": 30}))
    detail = (await house.column("SELECT detail FROM audit"))[-1]
    words = await house.column("SELECT words FROM audit_words ORDER BY event_id")
    assert words == ['{"changed":["city"]}', '{"changed":["age","city"]}']
    assert "city" not in detail


async def test_each_record_keeps_what_it_said_itself(house: InProcessGateway) -> None:
    await joined(house)
    await house.send(customer("web:ann", {"city": "Giza"}))
    await house.send(customer("pos:17", {"city": "Cairo"}))
    assert await attributes(house) == {("ann", "city"): '"Giza"', ("17", "city"): '"Cairo"'}


@pytest.mark.parametrize("value", [None, "", 0, 0.5, [], {"b": 1, "a": [None]}, "ŷ😀", 1 << 60])
async def test_any_json_value_is_kept_and_recognised(house: InProcessGateway, value: Any) -> None:
    await house.send(customer("web:ann", {"x": value}))
    assert not (await house.send(customer("web:ann", {"x": value}))).changed


async def test_true_and_one_are_different_values(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", {"x": 1}))
    assert (await house.send(customer("web:ann", {"x": True}))).changed


async def test_a_guest_who_registers_is_no_guest_any_more(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", guest=True))
    assert await flags(house) == {"ann": (1, 1)}
    assert (await house.send(customer("web:ann", guest=False))).changed
    assert await flags(house) == {"ann": (1, 0)}


# ---- activating ----


async def test_switching_off_reaches_every_id_of_the_person(house: InProcessGateway) -> None:
    await joined(house)
    assert (await house.send(active("pos:17", active=False))).changed
    assert await flags(house) == {"ann": (0, 0), "17": (0, 0)}
    assert not (await house.send(active("web:ann", active=False))).changed
    assert (await house.send(active("web:ann", active=True))).changed
    assert await flags(house) == {"ann": (1, 0), "17": (1, 0)}
    events = [action for action in await house.actions() if action.startswith("customer.")]
    assert events == ["customer.deactivated", "customer.activated"]


async def test_switching_an_unknown_customer_creates_nobody(house: InProcessGateway) -> None:
    assert await house.send(active("web:ann", active=False)) == UnknownCustomer()
    assert await house.rows("SELECT * FROM record") == []


async def test_saving_again_does_not_switch_on(house: InProcessGateway) -> None:
    await house.send(customer("web:ann"))
    await house.send(active("web:ann", active=False))
    await house.send(customer("web:ann", {"city": "Giza"}, email=ANN))
    assert await flags(house) == {"ann": (0, 0)}


# ---- tags ----


async def tagged(house: InProcessGateway) -> set[tuple[str, str]]:
    return set(  # type: ignore[return-value]
        await house.rows("SELECT r.customer_id, t.tag FROM tag t JOIN record r ON r.record_id = t.record_id")
    )


async def test_a_tag_of_the_person_is_not_attached_a_second_time(house: InProcessGateway) -> None:
    await joined(house)
    assert (await house.send(tags("web:ann", attach="vip"))).changed
    assert not (await house.send(tags("pos:17", attach="vip"))).changed
    assert (await house.send(tags("pos:17", attach="vip staff"))).changed
    assert await tagged(house) == {("ann", "vip"), ("17", "staff")}


async def test_a_tag_is_detached_from_every_id_of_the_person(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", email=ANN))
    await house.send(customer("pos:17", mobile="+201001234567"))
    await house.send(tags("web:ann", attach="vip"))
    await house.send(tags("pos:17", attach="vip"))
    await house.send(customer("pos:17", email=ANN, mobile="+201001234567"))
    assert (await house.send(tags("pos:17", detach="vip unknown"))).changed
    assert await tagged(house) == set()
    assert not (await house.send(tags("web:ann", detach="vip"))).changed


async def test_a_tag_in_another_case_is_the_same_tag(house: InProcessGateway) -> None:
    await joined(house)
    assert (await house.send(tags("web:ann", attach="Employee"))).changed
    assert not (await house.send(tags("pos:17", attach="EMPLOYEE"))).changed
    assert await tagged(house) == {("ann", "Employee")}
    assert (await house.send(tags("pos:17", detach="employee"))).changed
    assert await tagged(house) == set()


async def test_of_two_spellings_in_one_call_one_is_attached(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", email=ANN))
    await house.send(tags("web:ann", attach="vip VIP Straße STRASSE"))
    assert await tagged(house) == {("ann", "VIP"), ("ann", "STRASSE")}


async def test_all_spellings_that_a_merge_brought_together_are_detached(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", email=ANN))
    await house.send(customer("pos:17", mobile="+201001234567"))
    await house.send(tags("web:ann", attach="vip"))
    await house.send(tags("pos:17", attach="Vip"))
    await house.send(customer("pos:17", email=ANN, mobile="+201001234567"))
    assert (await house.send(tags("pos:17", detach="VIP"))).changed
    assert await tagged(house) == set()


async def test_tags_of_an_unknown_customer_create_nobody(house: InProcessGateway) -> None:
    assert await house.send(tags("web:ann", attach="vip")) == UnknownCustomer()
