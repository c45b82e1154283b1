"""The attributes that a customer can have: the platform's, with the kind of their values, and custom ones of any name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

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
"""What a caller may write. `email` and `mobile` here are data, which join no profiles."""
RESERVED = frozenset(name.casefold() for name in (*KINDS, "tags", "utMs", "manualDate", "custom"))
"""What no custom attribute may be called, in any case."""
