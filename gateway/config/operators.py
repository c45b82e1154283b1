"""Operators that a proxy in front of the admin listener vouches for."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta
from msgspec.structs import force_setattr

from gateway.config.operator_token import WHOLE_NAME
from gateway.config.section import Mistake, Section
from gateway.model import Role

HeaderName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9-]{0,100}$(?!\n)", description='a header\'s name: letters, digits and "-"')
]
_SHARED = "shared"


class ProxyOperator(Section, frozen=True):
    """`user` is what the proxy sends in `operator_header`; the audit log has `name` only."""

    name: Annotated[
        str,
        Meta(pattern=WHOLE_NAME, description='1 to 40 lower-case letters, digits and ".-", no sign first'),
    ]
    role: Role
    user: Annotated[str, Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        if not self.user:
            force_setattr(self, "user", self.name)

    def mistakes(self) -> Iterator[Mistake]:
        if self.name == _SHARED:
            yield Mistake("name", f"{_SHARED} stands for the admin token; choose another name")
