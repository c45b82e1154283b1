"""The attributes that a customer can have: those of the platform, each with the kind of its values, and custom ones with any
name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from rules.ruleset import AttributeKind

CUSTOM = "custom."
PATTERN = ".*"
KINDS: Mapping[str, Literal["string", "number", "integer", "array"]] = MappingProxyType(
    {
        "displayName": "string",
        "firstName": "string",
        "lastName": "string",
        "email": "string",
        "gender": "string",
        "mobile": "string",
        "dateOfBirth": "string",
        "joinDate": "string",
        "country": "string",
        "city": "string",
        "zip": "string",
        "preferredLanguage": "string",
        "source": "string",
        "utms": "array",
        "devices": "array",
        "paymentMethods": "array",
        "totalSpent": "number",
        "lastOrderDate": "string",
        "totalOrders": "integer",
        "avgOrderAmount": "number",
        "channel": "string",
    }
)
"""What a caller may write. `email` and `mobile` are plain data here: they join no profiles."""
OF_DIGITS = frozenset({"mobile", "zip"})
"""Texts that clients also write as numbers."""
COMPARED_AS: Mapping[str, AttributeKind] = MappingProxyType(
    {
        "displayName": "name",
        "firstName": "given_name",
        "lastName": "family_name",
        "email": "code",
        "gender": "code",
        "mobile": "code",
        "dateOfBirth": "date",
        "joinDate": "date",
        "country": "code",
        "city": "text",
        "zip": "postcode",
        "preferredLanguage": "code",
        "source": "code",
        "lastOrderDate": "date",
        "channel": "code",
    }
)
"""How the platform's texts are compared unless a rule file says otherwise. A custom attribute is a text."""
RESERVED = frozenset(name.casefold() for name in (*KINDS, "tags", "utMs", "manualDate", "custom"))
"""Names that no custom attribute may have, in upper or lower case."""


def kind_of(attribute: str, declared: Mapping[str, AttributeKind]) -> AttributeKind:
    """How an attribute is compared under a rule set that declares these kinds."""
    return declared.get(attribute) or COMPARED_AS.get(attribute, "text")
