"""The words that programs and people write where there is no customer. Compared as letters and digits alone, so that `N/A`,
`#N/A` and `n.a.` are one. More words, fewer merges (I16)."""

import re
import unicodedata

_NO_LETTERS = re.compile(r"[\W_]+")
_PROGRAMS = """
    null, nil, none, nan, na, nat, undefined, undef, unset, not set, void, nul, nullptr, nonetype, dbnull, empty, blank, missing,
    n/a, not available, not applicable, not provided, not specified, not found, not given, not known, not assigned, unassigned,
    none given, no data, no value, no id, noid, no user, no name, no account, no customer, no customer id, no email, no mobile,
    no phone, null null, undefined undefined, none none, nan nan, hiányzik, getting data,
    inf, infinity, true, false, yes, no, object object, object null, object undefined, distinct id, not authenticated,
    unauthenticated, unauthorized, not logged in, logged out, signed out, unregistered, non member, invalid,
    tbd, tba, tbc, placeholder, dummy, dummy customer, dummy user, default, default customer, default user, user, customer
"""
_COLUMNS = """
    customer id, customer ids, user id, client id, member id, player unique id, your customer id, your user id,
    customer id here, insert customer id, some customer id, id, email, customer number, customer no, customer nr, customer code,
    client number, kundennummer, kundennr, kunden id, debitorennummer, numéro client, numéro de client, n° client, id client,
    code client, número de cliente, número cliente, nº cliente, id cliente, código cliente, código de cliente,
    código do cliente, codice cliente, numero cliente, klantnummer, klant id, numer klienta, id klienta, kundnummer, kundenummer,
    asiakasnumero, müşteri no, müşteri numarası, номер клиента, код клиента, id клиента, رقم العميل, معرف العميل, كود العميل,
    رقم الزبون, 客户编号, 客户id, 顧客番号, 顧客id, 고객번호
"""
"""Names of the field, which appear where its value was meant: in a template, or in the header of a second file behind the
first."""
_PEOPLE = """
    unknown, unknown user, unknown customer, anonymous, anonymous user, anonymous customer, anon, guest, guest user,
    guest customer, guest checkout, visitor, walk in, walk in customer, cash, cash customer, cash account, cash sale, counter,
    counter sale, counter customer, retail customer, pos customer, till customer, store customer, in store customer,
    general customer, general public, one time customer, occasional customer, passing customer, passing trade,
    deleted, deleted user, deleted customer, removed, redacted, masked, hidden, private, anonymized, anonymised, erased,
    xxx, xxxx, xxxxx, xxxxxx,
    unbekannt, unbekannter kunde, kunde unbekannt, nicht bekannt, anonym, anonymer kunde, gast, gastkunde, gastbestellung,
    laufkunde, laufkundschaft, barkunde, barverkauf, barzahler, einmalkunde, tageskunde, thekenkunde, ladenkunde, cpd, cpd kunde,
    conto pro diverse, diverse kunden, sonstige kunden, kein, keine, keiner, kein kunde, keine kundennummer,
    ohne kundennummer, leer, fehlt, keine angabe, ohne angabe, nicht angegeben, nicht vorhanden, nicht zugeordnet,
    nicht registriert, wahr, falsch,
    inconnu, inconnue, client inconnu, anonyme, client anonyme, invité, client invité, visiteur, aucun, aucune, néant, vide,
    manquant, client de passage, client comptoir, client comptant, client caisse, client divers, clients divers,
    client occasionnel, non renseigné, non communiqué, non défini, non disponible, non connu, sans compte, vrai, faux,
    desconocido, desconocida, cliente desconocido, anónimo, anónima, cliente anónimo, invitado, visitante, ninguno, ninguna,
    vacío, vacio, nulo, faltante, sin nombre, sin cliente, sin dato, sin datos, sin registro, sin registrar, sin asignar,
    sin identificar, no aplica, no disponible, no registrado, no definido, no identificado, consumidor, consumidor final,
    cliente final, cliente general, cliente genérico, cliente contado, cliente de contado, cliente ocasional, cliente varios,
    clientes varios, clientes contado, cliente mostrador, venta mostrador, ventas mostrador, venta al público, público general,
    público en general, verdadero, falso,
    desconhecido, cliente desconhecido, anônimo, anônima, cliente anônimo, convidado, nenhum, nenhuma, vazio, indefinido,
    sem cadastro, sem nome, sem cliente, sem identificação, não identificado, cliente não identificado,
    consumidor não identificado, não informado, não cadastrado, não definido, não disponível, não se aplica, cliente balcão,
    cliente avulso, cliente padrão, clientes diversos, venda balcão, venda avulsa, verdadeiro,
    sconosciuto, cliente sconosciuto, ospite, visitatore, nessuno, vuoto, nullo, mancante, anonimo, cliente anonimo,
    cliente occasionale, cliente generico, cliente banco, clienti vari, vendita al banco, non disponibile, non definito,
    non specificato, non registrato, non applicabile, vero,
    onbekend, onbekende klant, anoniem, anonieme klant, gastklant, bezoeker, passant, losse klant, winkelklant, contante klant,
    contante verkoop, diverse klanten, geen, leeg, niet bekend, niet ingevuld, niet van toepassing, n.v.t.,
    okänd, okänd kund, gäst, gästkund, besökare, kontantkund, saknas, ej angivet, ej tillgänglig,
    ukendt, ukendt kunde, gæst, gæstekunde, kontantkunde, ikke angivet, ikke oplyst, ukjent, ukjent kunde, gjest, gjestekunde,
    kontantsalg, ingen, ingen kunde, tuntematon, tuntematon asiakas, vieras, vierailija, vierasasiakas, käteisasiakas,
    satunnainen asiakas, ei tiedossa, puuttuu,
    nieznany, nieznany klient, anonim, anonimowy, klient anonimowy, brak, brak danych, brak klienta, nie dotyczy, gość,
    klient detaliczny, klient gotówkowy, niezarejestrowany,
    neznámý, neznámý zákazník, anonymní, anonymní zákazník, host, žádný, nezadáno, neuvedeno, nepřihlášený,
    neznámy, neznámy zákazník, hosť, žiadny, neuvedené, ismeretlen, ismeretlen vevő, vendég, vendégvásárló, névtelen, nincs,
    nincs adat, nincs megadva, készpénzes vevő, necunoscut, client necunoscut, oaspete, vizitator, nedefinit, nespecificat,
    client ocazional, persoană fizică,
    άγνωστος, άγνωστος πελάτης, ανώνυμος, επισκέπτης, κανένας, πελάτης λιανικής, πελάτες λιανικής,
    bilinmiyor, bilinmeyen, bilinmeyen müşteri, misafir, misafir müşteri, ziyaretçi, isimsiz, tanımsız, belirtilmemiş, yok, boş,
    müşteri yok, genel müşteri, perakende müşteri, peşin müşteri, nakit müşteri, muhtelif müşteri, muhtelif müşteriler,
    nihai tüketici,
    неизвестно, неизвестный, неизвестен, неизвестный клиент, неизвестный покупатель, аноним, анонимный, гость, нет, нет данных,
    пусто, отсутствует, не указан, не указано, не задан, не определено, не зарегистрирован, без имени, частное лицо,
    физическое лицо, физлицо, розничный покупатель, розничный клиент, невідомо, невідомий, невідомий клієнт, анонім, гість,
    роздрібний покупець, немає, не вказано, неизвестен клиент, анонимен, гост, липсва, непознат, непознати купац,
    nepoznat, nepoznati kupac, gost, anonimno, nema, nije navedeno, maloprodaja, krajnji kupac, nežinomas, svečias, nėra,
    nezināms, viesis, tundmatu, külaline,
    אורח, לקוח מזדמן, לקוח כללי, לקוח אנונימי, לא ידוע, אנונימי, אין,
    غير معروف, مجهول, ضيف, زائر, لا يوجد, غير متوفر, غير محدد, غير مسجل, غير متاح, غير موجود, لا ينطبق, بدون, بدون اسم, بدون رقم,
    فارغ, عميل نقدي, عميل عام, عميل كاش, عميل زائر, عميل مجهول, عميل غير معروف, عميل افتراضي, زبون نقدي, زبون عام, زبون مجهول,
    مستخدم زائر, مستخدم مجهول,
    مهمان, کاربر مهمان, ناشناس, نامشخص, نامعلوم, ندارد, مشتری عمومی, مشتری نقدی, مشتری متفرقه, مہمان,
    अतिथि, अज्ञात, नकद ग्राहक, ลูกค้าทั่วไป, ลูกค้าเงินสด, ไม่ระบุ, ไม่มี, ไม่ทราบ, ผู้เยี่ยมชม,
    khách, khách lẻ, khách hàng lẻ, khách vãng lai, khách hàng vãng lai, không có, không rõ, không xác định, ẩn danh,
    tamu, pengunjung, pelanggan umum, pelanggan tunai, umum, tidak ada, tidak diketahui, tidak tersedia, tanpa nama, tetamu,
    pelawat, tiada,
    不明, 匿名, 匿名用户, 匿名客户, 未知, 未知客户, 未知用户, 访客, 游客, 訪客, 遊客, 无, 無, 空, 空白, 散客, 临时客户, 普通顾客,
    普通客户, 零售客户, 现金客户, 一般客戶, 未登录, 未登入, 未注册, 未註冊,
    ゲスト, ゲストユーザー, 非会員, なし, 名無し, 該当なし, 未登録, 未設定, 未入力, 一般客, 現金客,
    비회원, 손님, 게스트, 없음, 익명, 일반고객, 현금고객, 미등록, 알수없음
"""
_LONG_ENOUGH = 6
"""A shorter word is too easily another one without its accents."""


def letters(text: str) -> str:
    """Of a folded text; the Turkish letters i are one."""
    return _NO_LETTERS.sub("", text).replace("ı", "i")


def _spellings(word: str) -> set[str]:
    """A word as `letters` of a folded text gives it, and as it is typed without its accents."""
    plain = unicodedata.normalize("NFD", word)
    without = "".join(one for one in plain if not unicodedata.combining(one))
    return {word, without} if len(word) >= _LONG_ENOUGH else {word}


NO_CUSTOMER = frozenset(
    spelling
    for group in (_PROGRAMS, _COLUMNS, _PEOPLE)
    for word in group.split(",")
    for spelling in _spellings(letters(unicodedata.normalize("NFKC", word).casefold()))
)
