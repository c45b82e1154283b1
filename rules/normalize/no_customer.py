"""The words that programs and people write where there is no customer. Compared as letters and digits alone, so that `N/A`,
`#N/A` and `n.a.` are one. More words, fewer merges (I16)."""

import re

_NO_LETTERS = re.compile(r"[\W_]+")
_PROGRAMS = """
    null, nil, none, nan, na, nat, undefined, undef, unset, not set, void, nul, nonetype, dbnull, empty, blank, missing,
    n/a, not available, not applicable, not provided, not specified, not found, no data, no value, no id, noid, no user,
    no customer, no customer id, no email, no mobile, no phone, null null, undefined undefined, none none, nan nan,
    inf, infinity, true, false, yes, no, object object, object null, object undefined, distinct id, not authenticated,
    unauthenticated, unauthorized, not logged in, logged out, signed out, unregistered, non member, invalid,
    tbd, placeholder, dummy
"""
_COLUMNS = """
    customer id, customer ids, user id, client id, member id, player unique id, your customer id, your user id,
    customer id here, insert customer id, some customer id, id, email
"""
"""Names of the field, which appear where its value was meant."""
_PEOPLE = """
    unknown, unknown user, unknown customer, anonymous, anonymous user, anonymous customer, anon, guest, guest user,
    guest customer, guest checkout, visitor, walk in, walk in customer, cash customer, cash sale, counter sale,
    deleted, deleted user, deleted customer, removed, redacted, masked, hidden, private, anonymized, anonymised, erased,
    xxx, xxxx, xxxxx, xxxxxx,
    unbekannt, unbekannter kunde, anonym, gast, gastkunde, gastbestellung, laufkunde, laufkundschaft, barkunde, barverkauf,
    kein, keine, keiner, kein kunde, leer, nicht angegeben, nicht vorhanden, wahr, falsch,
    inconnu, inconnue, anonyme, invité, aucun, aucune, vide, client de passage, client comptoir, non renseigné, vrai, faux,
    desconocido, desconocida, anónimo, anonimo, invitado, ninguno, ninguna, vacío, nulo, sin nombre, consumidor final,
    público general, público en general, cliente mostrador, verdadero, falso,
    desconhecido, anônimo, convidado, nenhum, vazio, sem cadastro, verdadeiro,
    sconosciuto, ospite, nessuno, vuoto, nullo, cliente occasionale, vero,
    onbekend, anoniem, geen, leeg, okänd, gäst, ukendt, ukjent, gæst, gjest, ingen, tuntematon, vieras,
    nieznany, anonimowy, brak, gość, klient detaliczny, neznámý, bilinmiyor, misafir, yok, boş,
    неизвестно, неизвестный, неизвестен, аноним, гость, нет, пусто, розничный покупатель,
    غير معروف, مجهول, ضيف, زائر, لا يوجد, غير متوفر, عميل نقدي,
    不明, 匿名, ゲスト, なし, 未登録, 未知, 访客, 游客, 无, 空, 散客, 비회원, 손님, 없음, 익명
"""


def letters(text: str) -> str:
    return _NO_LETTERS.sub("", text)


NO_CUSTOMER = frozenset(
    letters(word.casefold()) for group in (_PROGRAMS, _COLUMNS, _PEOPLE) for word in group.split(",")
)
