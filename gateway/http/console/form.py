"""A form as a browser sends it, read within the limits of every body: a size, a time, a number of fields, and one encoding."""

from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiMapping

from gateway.errors import Refusal
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import CALLER, Call
from gateway.http.services import SERVICES

_CONTENT_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1_000


async def read_form(request: web.Request) -> MultiMapping[str]:
    """Raises Refusal for what no form of the console sends. A NUL character has no place in any field."""
    if request.content_type != _CONTENT_TYPE:
        raise Refusal("unsupported_media_type", f"send the form with Content-Type: {_CONTENT_TYPE}")
    text = await Call(request, request.app[SERVICES], request[CALLER], Query()).text()
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise Refusal("bad_body", f"the form is not UTF-8 text in at most {_MOST_FIELDS} fields") from None
    for name, value in fields:
        if "\0" in value:
            raise Refusal("bad_body", f"the field {name[:50]} is not text")
    return MultiDict(fields)
