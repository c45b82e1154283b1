"""Word lists: placeholders, role addresses and throw-away domains. More words, fewer merges (I16)."""


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
"""What systems write when they have no value: programs' own words for it, and placeholders of forms."""

JUNK_EMAILS = _words(
    """
    a@a.com aa@aa.com aaa@aaa.com abc@abc.com asdf@asdf.com email@email.com mail@mail.com na@na.com
    no@email.com no@mail.com no@no.com test@test.com test@gmail.com user@user.com xx@xx.com xxx@xxx.com
    """
)
"""Addresses typed to get past a form."""

JUNK_LOCALS = _words(
    """
    anonymous guest noemail nomail noemailaddress noaddress emailunknown none null undefined unknown notavailable notprovided
    donthave donthaveemail fakeemail invalidemail
    keinemail keineemail keinemailadresse ohneemail ohnemail keineangabe unbekannt anonym
    pasdemail pasdemel pasdadresse sansemail sansmail aucunmail inconnu anonyme
    sinemail sinmail sincorreo notieneemail notienecorreo notienemail notiene notengocorreo desconocido anonimo anónimo
    sememail semmail naotem naotememail nãotem naotenho naopossui desconhecido anônimo
    nessunamail nessunaemail senzaemail senzamail nonha nonhaemail sconosciuto
    geenemail geenmail heeftgeenmail onbekend anoniem ingenemail ingenmail ingenepost eisahkopostia okand ukendt ukjent
    brakemail brakemaila brakmaila bezemail nemaemail nemamail nincsemail epostayok mailyok emailyok bilinmiyor
    netpochty netemail tidakada tidakpunya
    """
)
"""The same words, before any domain, without punctuation. None of them is a name."""

JUNK_PHONE_TAILS = tuple(digit * 8 for digit in "0123456789")
"""People type a number that ends in eight equal digits to get past a form."""

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
"""Domains of addresses that any person may read, or that soon disappear. Subdomains count as well."""

HOTMAIL = _words(
    """
    hotmail.com hotmail.at hotmail.be hotmail.ca hotmail.ch hotmail.cl hotmail.co.id hotmail.co.il
    hotmail.co.in hotmail.co.jp hotmail.co.kr hotmail.co.nz hotmail.co.th hotmail.co.uk hotmail.co.za
    hotmail.com.ar hotmail.com.au hotmail.com.br hotmail.com.hk hotmail.com.tr hotmail.com.tw hotmail.com.vn
    hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fi hotmail.fr hotmail.gr hotmail.hu hotmail.ie
    hotmail.it hotmail.jp hotmail.lt hotmail.lv hotmail.my hotmail.nl hotmail.no hotmail.ph hotmail.pt
    hotmail.rs hotmail.sa hotmail.se hotmail.sg hotmail.sk live.com live.at live.be live.ca live.cl live.cn
    live.co.kr live.co.uk live.co.za live.com.ar live.com.au live.com.mx live.com.my live.com.ph live.com.pt
    live.com.sg live.de live.dk live.fi live.fr live.hk live.ie live.in live.it live.jp live.nl live.no
    live.ru live.se livemail.tw msn.com outlook.com outlook.at outlook.be outlook.cl outlook.co.id
    outlook.co.il outlook.co.nz outlook.co.th outlook.com.ar outlook.com.au outlook.com.br outlook.com.gr
    outlook.com.pe outlook.com.tr outlook.com.vn outlook.cz outlook.de outlook.dk outlook.es outlook.fr
    outlook.hu outlook.ie outlook.in outlook.it outlook.jp outlook.kr outlook.lv outlook.my outlook.ph
    outlook.pt outlook.sa outlook.sg outlook.sk passport.com windowslive.com
    """
)
"""Domains of Microsoft's consumer mail. An address in one domain is not the same mailbox in another."""

PLUS_TAGGED = _words(
    """
    zoho.com zoho.eu zoho.in zohomail.com zohomail.eu zohomail.in posteo.de
    posteo.net posteo.org posteo.at posteo.ch posteo.eu mailbox.org mailfence.com runbox.com disroot.org
    riseup.net
    """
)
"""Domains of other providers that ignore everything after a plus, as their help pages say."""

FASTMAIL = _words(
    """
    fastmail.com fastmail.cn fastmail.co.uk fastmail.com.au fastmail.de fastmail.es fastmail.fm fastmail.fr fastmail.im
    fastmail.in fastmail.jp fastmail.mx fastmail.net fastmail.nl fastmail.org fastmail.se fastmail.to fastmail.tw
    fastmail.uk fastmail.us
    """
)
"""Domains of Fastmail, which also delivers `shop@ann.fastmail.com` to `ann@fastmail.com`."""

YANDEX = _words("yandex.ru yandex.com yandex.by yandex.kz yandex.ua ya.ru")
"""Domains under which Yandex delivers to one mailbox."""

YAHOO = _words(
    """
    yahoo.com yahoo.at yahoo.be yahoo.ca yahoo.cl yahoo.co.id yahoo.co.il yahoo.co.in yahoo.co.jp yahoo.co.kr
    yahoo.co.nz yahoo.co.th yahoo.co.uk yahoo.co.za yahoo.com.ar yahoo.com.au yahoo.com.br yahoo.com.co
    yahoo.com.hk yahoo.com.mx yahoo.com.my yahoo.com.pe yahoo.com.ph yahoo.com.sg yahoo.com.tr yahoo.com.tw
    yahoo.com.ve yahoo.com.vn yahoo.cz yahoo.de yahoo.dk yahoo.es yahoo.fi yahoo.fr yahoo.gr yahoo.hu yahoo.ie
    yahoo.in yahoo.it yahoo.nl yahoo.no yahoo.pl yahoo.pt yahoo.ro yahoo.se myyahoo.com ymail.com rocketmail.com
    """
)
"""Domains of Yahoo's consumer mail."""
