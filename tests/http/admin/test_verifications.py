"""When the audit log was verified last is known to every process, also after a restart, and cannot be made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from gateway.audit.verification_record import VerificationRecord, read, written
from gateway.clock import SECOND
from gateway.http.admin.times import shown
from gateway.telemetry.metrics import Metrics
from gateway.workers.verifications import Verifications
from tests.support.admin_api import ask
from tests.support.people import save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

KEPT = "SELECT told, signature FROM audit_verified"


async def known(gateway: RunningGateway) -> tuple[str | None, int | None]:
    overview = await ask(gateway, "GET", "overview")
    return overview["verified_at"], overview["breaches"]


async def other_process(gateway: RunningGateway) -> tuple[VerificationRecord | None, Metrics]:
    """What another process, or this one after a restart, knows and tells Prometheus."""
    services, metrics = gateway.services, Metrics()
    found = await Verifications(services.store, services.checkpoint_key, metrics.audit).last()
    return found, metrics


async def test_a_verification_is_known_after_a_restart(start: Start) -> None:
    async with start() as gateway:
        assert await known(gateway) == (None, None)
        await save(gateway.services, "web", "ann")
        assert (await ask(gateway, "GET", "audit/verify"))["ok"]
        verified_at, breaches = await known(gateway)
        assert (verified_at is not None, breaches) == (True, 0)
        await gateway.tamper("UPDATE audit SET actor = 'nobody' WHERE seq = 1")
        assert not (await ask(gateway, "GET", "audit/verify"))["ok"]
        found = await known(gateway)
        assert found[1] == 1
    async with start() as gateway:
        assert await known(gateway) == found


async def test_another_process_knows_it_too_and_says_so_in_its_metrics(gateway: RunningGateway) -> None:
    assert (await other_process(gateway))[0] is None
    await ask(gateway, "GET", "audit/verify")
    found, metrics = await other_process(gateway)
    assert found is not None
    assert (shown(found.at), found.breaches) == await known(gateway)
    ((sample,),) = (family.samples for family in metrics.audit.verified_at.collect())
    assert sample.value == found.at / SECOND


@pytest.mark.parametrize("change", ["the text", "the signature", "another secret", "another log"])
async def test_a_verification_that_was_never_made_is_not_believed(
    gateway: RunningGateway, change: str
) -> None:
    await save(gateway.services, "web", "ann")
    await ask(gateway, "GET", "audit/verify")
    [[told, signature]] = await gateway.rows(KEPT)
    key = gateway.services.checkpoint_key
    real = read(key, told, signature)
    assert real is not None
    of_another_log = VerificationRecord(
        real.at + SECOND, 0, state=False, checkpoint=real.checkpoint, signature="ab"
    )
    forged = {
        "the text": (told.replace('"at":1', '"at":2'), signature),
        "the signature": (told, bytes(32)),
        "another secret": written(b"another", real),
        "another log": written(key, of_another_log),
    }[change]
    before = await known(gateway)
    blob = f"X'{forged[1].hex()}'"
    if not gateway.services.config.store.url.startswith("sqlite"):
        blob = f"'\\x{forged[1].hex()}'::bytea"
    await gateway.tamper(f"UPDATE audit_verified SET told = '{forged[0]}', signature = {blob}")
    assert (await other_process(gateway))[0] is None
    assert await known(gateway) == before


async def test_an_older_verification_that_was_put_back_hides_nothing_from_a_process_that_knows_better(
    gateway: RunningGateway,
) -> None:
    """Another process is told the older time, after which the alert about the time fires."""
    services, now = gateway.services, gateway.services.clock.now()
    older = VerificationRecord(now - SECOND, 0, state=True)
    await services.verifications.note(VerificationRecord(now, 3, state=True))
    other = Verifications(services.store, services.checkpoint_key, Metrics().audit)
    await other.note(older)
    assert await services.verifications.last() == VerificationRecord(now, 3, state=True)
    assert await known(gateway) == (shown(now), 3)
    assert (await other_process(gateway))[0] == older


WIDER = {
    "the state": VerificationRecord(0, 2, state=True),
    "the archive": VerificationRecord(0, 2, state=False, archive=True),
}


@pytest.mark.parametrize("place", WIDER)
async def test_what_was_found_stays_known_until_a_verification_looks_there_again(
    gateway: RunningGateway, place: str
) -> None:
    verifications, now = gateway.services.verifications, gateway.services.clock.now()
    await verifications.note(replace(WIDER[place], at=now))
    for later in (1, 2):
        await verifications.note(VerificationRecord(now + later, 0, state=False))
        assert await known(gateway) == (shown(now + later), 2)
    await verifications.note(VerificationRecord(now + 3, 3, state=False))
    assert await known(gateway) == (shown(now + 3), 3)
    ((sample,),) = (family.samples for family in (await other_process(gateway))[1].audit.breaches.collect())
    assert sample.value == 3
    await verifications.note(VerificationRecord(now + 4, 0, state=False))
    assert await known(gateway) == (shown(now + 4), 2)
    await verifications.note(replace(WIDER[place], at=now + 5, breaches=0))
    assert await known(gateway) == (shown(now + 5), 0)


async def test_a_new_master_secret_begins_without_a_verification(gateway: RunningGateway) -> None:
    await ask(gateway, "GET", "audit/verify")
    other = Verifications(gateway.services.store, b"a new secret", Metrics().audit)
    assert await other.last() is None
