"""How a mail provider reads the local part: which two addresses reach one mailbox, by its own published rule.

That canonical form is a second, weaker key, which never replaces an address. Only domains that the provider runs itself are
listed, and only if it documents what it ignores. GMX and WEB.DE, for instance, ignore nothing.
"""

from typing import NamedTuple

from rules.normalize.lists import FASTMAIL, HOTMAIL, PLUS_TAGGED, YAHOO, YANDEX


class Provider(NamedTuple):
    """`tag` starts the part that the provider ignores; `ignored` are single characters that it ignores as well.

    `dots_are_hyphens`: the provider treats the two alike. `domain` stands for all names of one mailbox. `mailbox` gets all
    mail of its domain.
    """

    tag: str
    ignored: str = ""
    dots_are_hyphens: bool = False
    domain: str = ""
    mailbox: str = ""

    def canonical(self, local: str, domain: str) -> str:
        """The address as the provider reads it; `""` if the provider does not issue such a local part."""
        name = self.mailbox or local.partition(self.tag)[0].lower()
        for character in self.ignored:
            name = name.replace(character, "")
        if self.dots_are_hyphens:
            name = name.replace(".", "-")
        if not name.isascii() or not name or name[0] == '"' or name[-1] == ".":
            return ""
        return f"{name}@{self.domain or domain}"


_GOOGLE = Provider("+", ignored=".", domain="gmail.com")
_APPLE = Provider("+", domain="icloud.com")
_PROTON = Provider("+", ignored=".-_", domain="proton.me")
_YANDEX = Provider("+", dots_are_hyphens=True, domain="yandex.ru")
_PLUS = Provider("+")
_HYPHEN = Provider("-")

PROVIDERS: dict[str, Provider] = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), _GOOGLE),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), _APPLE),
    **dict.fromkeys(("proton.me", "protonmail.com", "protonmail.ch", "pm.me"), _PROTON),
    **dict.fromkeys(YANDEX, _YANDEX),
    **dict.fromkeys(HOTMAIL | FASTMAIL | PLUS_TAGGED, _PLUS),
    **dict.fromkeys(YAHOO, _HYPHEN),
}


def provider_of(domain: str) -> Provider | None:
    mailbox, _, parent = domain.partition(".")
    return PROVIDERS.get(domain) or (
        Provider("+", domain=parent, mailbox=mailbox) if parent in FASTMAIL else None
    )
