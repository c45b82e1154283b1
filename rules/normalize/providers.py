"""How a mail provider reads the local part: which two addresses reach one mailbox by its own published rule.

That canonical form is a second, weaker key; it never replaces an address. Only domains that the provider runs
itself are listed.
"""

from typing import NamedTuple

from rules.normalize.lists import HOTMAIL, YAHOO


class Provider(NamedTuple):
    """`tag` starts the part that the provider ignores; `domain` stands for all names of one mailbox."""

    tag: str
    dots_matter: bool = True
    domain: str = ""

    def canonical(self, local: str, domain: str) -> str:
        """The address as the provider reads it, or `""` if the local part is not one that it gives out."""
        name = local.partition(self.tag)[0].lower()
        if not self.dots_matter:
            name = name.replace(".", "")
        if not name.isascii() or not name or name[0] == '"' or name[-1] == ".":
            return ""
        return f"{name}@{self.domain or domain}"


_GOOGLE = Provider("+", dots_matter=False, domain="gmail.com")
_PLUS = Provider("+")
_HYPHEN = Provider("-")

PROVIDERS: dict[str, Provider] = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), _GOOGLE),
    **dict.fromkeys(HOTMAIL, _PLUS),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com", "fastmail.com", "fastmail.fm"), _PLUS),
    **dict.fromkeys(YAHOO, _HYPHEN),
}
