"""Pins by hand: they outrank the rules, until they are removed or expire."""

from gateway.clock import DAY
from gateway.ids import show
from gateway.model import (
    Done,
)
from tests.support.in_process_gateway import (
    InProcessGateway,
    customer,
)
from tests.support.judgements import ANN, BOB, PHONE, merged, people, pinned, record, rich, together, unpinned

# ---- pins ----


async def test_a_must_pin_joins_and_says_so(core: InProcessGateway) -> None:
    await rich(core)
    assert await pinned(core, "must", "web:ann", "web:bob") == Done()
    assert await together(core, "ann", "bob")
    assert await core.points_of("web:ann") == 120
    assert (await core.actions())[-2:] == ["identity.merged", "pin.set"]
    assert await pinned(core, "must", "web:bob", "web:ann") == Done(changed=False)


async def test_a_cannot_pin_outranks_every_rule(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    assert await pinned(core, "cannot", "web:ann", "web:bob") == Done()
    await core.send(customer("web:ann", email=ANN, mobile=PHONE))
    assert not await together(core, "ann", "bob")


async def test_a_pin_ends_with_its_time(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    await pinned(core, "cannot", "web:ann", "web:bob", until=core.clock.now() + DAY)
    assert (await merged(core, "web:ann", "web:bob")).code == "pinned_apart"
    core.clock.advance(DAY)
    assert await pinned(core, "must", "web:ann", "web:bob") == Done()
    assert await together(core, "ann", "bob")


async def test_contradicting_pins_are_refused_naming_both(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={"email": BOB})
    await core.send(customer("app:bob", email=BOB))
    ann, bob, app = [await record(core, who) for who in ("web:ann", "web:bob", "app:bob")]
    await pinned(core, "cannot", "web:ann", "web:bob")
    direct = await pinned(core, "must", "web:ann", "web:bob")
    over_another = await pinned(core, "must", "web:ann", "app:bob")
    assert direct.code == over_another.code == "pins_contradict"
    for named in (ann, bob, app):
        assert show("rec", named) in over_another.message
    assert not await together(core, "ann", "bob")


async def test_records_of_one_profile_cannot_be_pinned_apart(core: InProcessGateway) -> None:
    await rich(core)
    await merged(core, "web:ann", "web:bob")
    assert (await pinned(core, "cannot", "web:ann", "web:bob")).code == "pins_contradict"
    await unpinned(core, "web:ann", "web:bob")
    assert (await pinned(core, "cannot", "web:ann", "web:bob")).code == "same_profile"


async def test_a_merge_that_a_pin_forbids_is_refused_naming_it(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={})
    await pinned(core, "cannot", "web:ann", "web:bob")
    refused = await merged(core, "web:ann", "web:bob")
    assert refused.code == "pinned_apart"
    assert show("rec", await record(core, "web:bob")) in refused.message
