"""Customers: upsert, the two reads, activation and deletion. The customer id in an answer is always the one that the channel
sent."""

from typing import Any, assert_never

from gateway.http.gameball.attributes import all_attributes, open_attributes, read_attributes
from gateway.http.gameball.call import Answer, Call, carried_out, shown
from gateway.http.gameball.customer_lookup import FoundCustomer, find_by_path
from gateway.http.gameball.decode import read_object
from gateway.http.gameball.envelope import (
    CUSTOMER_UNKNOWN,
    INVALID_PAYLOAD,
    IS_ACTIVE_MISSING,
    Fault,
)
from gateway.http.gameball.identify import NamedCustomer, identify_call, name_customer
from gateway.ids import api_number
from gateway.model import EraseCustomer, Erased, SaveCustomer, Saved, SetActive, UnknownCustomer
from gateway.store.customers import identifiers_of, tags_of
from rules.attributes import KINDS

_WRITTEN = ("customerId", "customerAttributes", "guest", "isGuest", "referrerCode", "referralCode")
_REFERRER_IGNORED = "referrerCode:ignored"


async def save(call: Call) -> Answer | Fault:
    names = (*_WRITTEN, *call.services.env.normalizer.types)
    body = await read_object(call.request, call.services.config.server, names)
    if isinstance(body, Fault):
        return body
    named = name_customer(call, body.get("customerId"))
    if isinstance(named, Fault):
        return named
    fault = call.fault_in_session(named.sent)
    if fault is not None:
        return fault
    command = _save_command(call, named, body)
    if isinstance(command, Fault):
        return command
    save_customer, warnings = command
    outcome = await call.services.pipeline.submit(save_customer)
    match outcome:
        case Saved(resolution=resolution):
            ids = {
                "gameballId": api_number(resolution.profile_id),
                "customerId": named.sent,
            }
            return carried_out(ids, resolution, warnings)
        case UnknownCustomer():
            return CUSTOMER_UNKNOWN
        case _:
            assert_never(outcome)


def _save_command(
    call: Call, named: NamedCustomer, body: dict[str, Any]
) -> tuple[SaveCustomer, tuple[str, ...]] | Fault:
    identity = identify_call(call, body)
    attributes = read_attributes(body.get("customerAttributes"))
    if isinstance(attributes, Fault):
        return attributes
    guest = _guest(body)
    if isinstance(guest, Fault):
        return guest
    referred = body.get("referrerCode") or body.get("referralCode")
    warnings = (*identity.warnings, _REFERRER_IGNORED) if referred else identity.warnings
    command = SaveCustomer(
        call.caller, named.customer_id, identity.evidence, attributes, guest, identity.claims
    )
    return command, warnings


def _guest(body: dict[str, Any]) -> bool | Fault | None:
    """`isGuest` is how the mobile SDKs write it."""
    given = body.get("guest")
    if given is None:
        given = body.get("isGuest")
    return given if given is None or isinstance(given, bool) else INVALID_PAYLOAD


async def get(call: Call) -> Answer | Fault:
    """For the api key alone: nothing that identifies the customer."""
    found = await find_by_path(call)
    if found is None:
        return CUSTOMER_UNKNOWN
    tags = await tags_of(call.services.store, found.customer)
    return _customer(call, found, open_attributes(found.attributes, tags))


async def get_details(call: Call) -> Answer | Fault:
    """Everything. E-mail and mobile are the attributes if there are any, else the newest identifiers."""
    found = await find_by_path(call)
    if found is None:
        return CUSTOMER_UNKNOWN
    store = call.services.store
    attributes = all_attributes(found.attributes, await tags_of(store, found.customer))
    for kind, value in await identifiers_of(store, found.customer):
        if kind in KINDS:
            attributes.setdefault(kind, value)
    return _customer(call, found, attributes)


def _customer(call: Call, found: FoundCustomer, attributes: dict[str, Any]) -> Answer:
    """Local mode has no referrals: no customer is referred, and there is no referral code."""
    customer = {
        "gameballId": api_number(found.profile_id),
        "customerId": call.parameters[0],
        "customerAttributes": attributes,
        "isReferred": False,
    }
    return shown(customer, found.profile_id)


async def activate(call: Call) -> Answer | Fault:
    body = await read_object(call.request, call.services.config.server, ("isActive",))
    if isinstance(body, Fault):
        return body
    active = body.get("isActive")
    if not isinstance(active, bool):
        return IS_ACTIVE_MISSING if active is None else INVALID_PAYLOAD
    outcome = await call.services.pipeline.submit(SetActive(call.caller, call.customer_id, active))
    match outcome:
        case Saved(resolution=resolution, changed=changed):
            state = {"customerId": call.parameters[0], "isActive": active, "stateChanged": changed}
            return carried_out(state, resolution)
        case UnknownCustomer():
            return CUSTOMER_UNKNOWN
        case _:
            assert_never(outcome)


async def delete(call: Call) -> Answer | Fault:
    """The whole customer, under every customer id; a body is ignored."""
    outcome = await call.services.pipeline.submit(EraseCustomer(call.caller, call.customer_id))
    match outcome:
        case Erased(profile_id=profile_id):
            return shown({}, profile_id)
        case UnknownCustomer():
            return CUSTOMER_UNKNOWN
        case _:
            assert_never(outcome)
