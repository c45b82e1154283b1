"""Word lists: what belongs to nobody, to a function, or to anybody. More words, fewer merges (I16)."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


JUNK = _words(
    """
    0 -1 - -- . .. ? x xx xxx null nil none nan n/a na not_available undefined unknown anonymous guest
    test true false empty not_authenticated distinct_id customer_id user_id customerid userid id email
    e-mail mail mobile phone noemail no_email nomail nophone no_phone abc asdf qwerty deleted removed
    redacted hidden private (null) <null> n.a.
    """
) | {"[object object]", "no email", "no phone", "not available", "not provided"}
"""What systems write when they have nothing: programs' own words for it, and placeholders of forms."""

JUNK_EMAILS = _words(
    """
    a@a.com aa@aa.com aaa@aaa.com abc@abc.com asdf@asdf.com email@email.com mail@mail.com na@na.com
    no@email.com no@mail.com no@no.com test@test.com test@gmail.com user@user.com xx@xx.com xxx@xxx.com
    """
)
"""Addresses typed to get past a form."""

JUNK_LOCALS = _words(
    """
    anonymous guest no-email no_email noemail nomail none null undefined unknown
    """
)
"""The same, in front of any domain."""

JUNK_PHONE_TAILS = tuple(digit * 8 for digit in "0123456789")
"""A phone number that ends in eight times the same digit was typed to get past a form."""

ROLES = _words(
    """
    abuse account accounting accounts admin administrator alerts billing booking bookings careers
    compliance contact contacto contato customercare customerservice daemon do-not-reply donotreply
    enquiries feedback finance ftp help helpdesk hostmaster hr info inquiries invoice invoices jobs
    kontakt legal mailer-daemon marketing news newsletter no-reply no_reply nobody noc noreply
    notification notifications office order orders payments postmaster press privacy purchasing
    reception reservations returns root sales security service servicedesk shop staff store subscribe
    support sysadmin system team unsubscribe usenet uucp ventas webmaster www
    """
)
"""Local parts that belong to a function and not to a person (RFC 2142 and common use)."""

DISPOSABLE = _words(
    """
    0-mail.com 10minutemail.com 10minutemail.net 20minutemail.com 33mail.com anonbox.net burnermail.io
    byom.de deadaddress.com discard.email discardmail.com discardmail.de dispostable.com dropmail.me
    einrot.com emailondeck.com emailtemporanea.net fakeinbox.com fakemail.net fakemailgenerator.com
    getairmail.com getnada.com grr.la guerrillamail.biz guerrillamail.com guerrillamail.de
    guerrillamail.info guerrillamail.net guerrillamail.org guerrillamailblock.com harakirimail.com
    inboxbear.com inboxkitten.com incognitomail.org jetable.org mail-temp.com mail.tm mailcatch.com
    maildrop.cc mailexpire.com mailforspam.com mailinator.com mailinator.net mailinator.org
    mailinator2.com mailnesia.com mailnull.com mailpoof.com mailsac.com mintemail.com moakt.com
    mohmal.com mt2015.com mytemp.email mytrashmail.com nada.email one-time.email sharklasers.com
    sofort-mail.de spam4.me spambog.com spambox.us spamex.com spamgourmet.com spamspot.com temp-mail.io
    temp-mail.org tempail.com tempinbox.com tempmail.com tempmail.net tempmailaddress.com tempmailo.com
    tempr.email throwawaymail.com tmail.ws tmpmail.net tmpmail.org trash-mail.com trashmail.com
    trashmail.de trashmail.me trashmail.net trbvm.com wegwerfemail.de wegwerfmail.de yopmail.com
    yopmail.fr yopmail.net
    """
)
"""Domains of addresses that anybody may read or that are gone tomorrow. Subdomains count as well."""

HOTMAIL = _words(
    """
    hotmail.com hotmail.at hotmail.be hotmail.ca hotmail.cl hotmail.co.id hotmail.co.il hotmail.co.th
    hotmail.co.uk hotmail.com.ar hotmail.com.au hotmail.com.br hotmail.com.tr hotmail.cz hotmail.de
    hotmail.dk hotmail.es hotmail.fi hotmail.fr hotmail.gr hotmail.hu hotmail.ie hotmail.it hotmail.jp
    hotmail.nl hotmail.no hotmail.pt hotmail.sa hotmail.se hotmail.sg live.com live.at live.be live.ca
    live.cl live.co.uk live.com.au live.com.mx live.dk live.fr live.ie live.it live.nl live.no live.se
    outlook.com outlook.de outlook.es outlook.fr outlook.it outlook.sa msn.com
    """
)
"""Domains of Microsoft's consumer mail."""

YAHOO = _words(
    """
    yahoo.com yahoo.ca yahoo.co.id yahoo.co.in yahoo.co.jp yahoo.co.nz yahoo.co.th yahoo.co.uk
    yahoo.com.ar yahoo.com.au yahoo.com.br yahoo.com.hk yahoo.com.mx yahoo.com.ph yahoo.com.sg
    yahoo.com.tr yahoo.com.tw yahoo.com.vn yahoo.de yahoo.es yahoo.fr yahoo.gr yahoo.ie yahoo.in
    yahoo.it yahoo.pl yahoo.ro yahoo.se ymail.com rocketmail.com
    """
)
"""Domains of Yahoo's consumer mail."""
