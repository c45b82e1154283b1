"""Zoe: a person with a value in every table that stores personal data, among other customers; and a search for traces of her."""

import json

from gateway.config import Campaign
from gateway.config.offer import Coupon
from gateway.model import IdempotencyKey, ReceiveWebhook, SetPin
from gateway.usecases.env import Env
from tests.support.in_process_gateway import (
    SHARE,
    InProcessGateway,
    achieve,
    caller,
    claim,
    customer,
    environment,
    tags,
)

UPDATED = "customer.profile.updated"
EMAIL, PHONE = "zoe.o'hara@example.eg", "+201001234567"
WEB, POS = "web-id-4711", 'till "0815"/ä'
NAME, CITY = "Zoë O'Hara-Größe", "Heliopolis"
PREFIX, TOKEN = "ZOESUMMER", "idem-zoe-1"
FIELD, TAG, REASON = "zoes-shoe-size", "zoes-own-tag", "Zoe rang and said so"
CLAIMED, CLAIMED_NAME = "zoe.claimed@example.eg", "Zoe the Claimant"
VALUES = (CLAIMED, CLAIMED_NAME, EMAIL, PHONE, WEB, POS, NAME, CITY, PREFIX, TOKEN, FIELD, TAG, REASON)


def zoes_env() -> Env:
    prize = Campaign(id=SHARE.id, name="Share", points=20, coupon=Coupon("fixed_discount", 5.0, PREFIX))
    return environment(campaigns=(prize,), subscribers={UPDATED: ("crm",)})


def token(customer_id: str = POS, key: str = TOKEN) -> IdempotencyKey:
    return IdempotencyKey("route", key, b"same", json.dumps({"customerId": customer_id}).encode())


async def crowd(core: InProcessGateway, first: int, last: int) -> None:
    """Neighbours, so that pages split and rows move."""
    for n in range(first, last):
        key = n * 7919 % 10_007
        await core.send(customer(f"web:web-id-{key}", {"name": f"N{key}"}, email=f"zoe{key}@example.eg"))


async def a_life(core: InProcessGateway) -> None:
    await core.send(customer(f"web:{WEB}", {"name": NAME, "address": {"city": CITY}, FIELD: 38}, email=EMAIL))
    await core.send(customer(f"pos:{POS}", mobile=PHONE))
    await core.send(claim(f"web:{WEB}", {"nick": CLAIMED_NAME}, email=CLAIMED))
    await core.send(customer(f"web:{WEB}", {"name": NAME}, email=EMAIL, mobile=PHONE))
    await core.send(tags(f"web:{WEB}", attach=TAG))
    await core.send(tags(f"pos:{POS}", detach=TAG))
    pair = await core.column("SELECT record_id FROM record ORDER BY record_id DESC LIMIT 2")
    await core.send(SetPin(caller(""), pair[0], pair[1], "must", REASON))
    await core.send(achieve(f"pos:{POS}", SHARE.id, token()))
    await core.grant_later()
    told = json.dumps({"event": UPDATED, "customer_id": WEB, "data": {"email": EMAIL, "name": NAME}})
    await core.send(ReceiveWebhook(caller(""), "1", UPDATED, WEB, told))
