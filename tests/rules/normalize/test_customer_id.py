"""Customer ids: what is one id written in several ways, and what is the id of no customer."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.language.parse import parse
from rules.normalize.customer_id import (
    CustomerId,
    CustomerIds,
    from_spreadsheet,
    is_placeholder,
    normal_form,
)
from rules.ruleset import IdSpaceRules, RuleSet

NO_ONE = (
    """
0|00|00000000|-0|0.0|0,00|0x0|0e0|-1|-1.0|\u22121|---|?|...|{}|[]|''|""|undefined|Undefined|UNDEFINED|null|NULL|(null)|<null>
'null'|"null"|`null`|nil|<nil>|\\N|NaN|nan|<NA>|NaT|None|N/A|n.a.|NA|#N/A|#NV|#REF!|#VALUE!|#WERT!|#DIV/0!|#NAME?|#\u00bfNOMBRE?
true|False|[object Object]|[object Null]|00000000-0000-0000-0000-000000000000|{00000000-0000-0000-0000-000000000000}
FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF|urn:uuid:00000000-0000-0000-0000-000000000000|2147483647|4294967295|1.#QNAN|Infinity
{{customer.id}}|${customerId}|{customerId}|%customer_id%|<customer_id>|%s|%!s(<nil>)|:customer_id|customerId|Customer ID|user_id
customer_null|user-undefined|gid://shopify/Customer/0|gid://shopify/Customer/null|undefined undefined|null-null|guest|Guest
GUEST USER|guest_checkout|anonymous|unknown|Walk-in customer|walk in|not set|(not set)|not_logged_in|deleted user|xxx|no email
Laufkunde|Gast|unbekannt|inconnu|invit\u00e9|desconocido|consumidor final
P\u00fablico en General|ospite|misafir|\u0433\u043e\u0441\u0442\u044c
\u0636\u064a\u0641|\u4e0d\u660e|\uff4e\uff55\uff4c\uff4c|\u0660
nu\u200bll|System.DBNull|<class 'NoneType'>|<built-in function id>|function (){}
{!Contact.Id}|{$customer.id}|{% customer.id %}|<?= $id ?>|%%customer_id%%|{1}|nullptr|-99|-9999|9999999999999|222222222222
#\u041d/\u0414|#N/B|#I/T|#HI\u00c1NYZIK|XAXX010101000|xexx010101000|CASH|Default Customer|not assigned|POS customer|Einmalkunde
keine Angabe|CPD|Kundennummer|Customer No.|PUBLICO EN GENERAL|Ventas mostrador|CLIENTES VARIOS|sin datos|NAO INFORMADO
Consumidor n\u00e3o identificado|Cliente balc\u00e3o|client comptant|Clients divers|INVITE|cliente generico|winkelklant
kontantkund|k\u00e4teisasiakas|brak danych|nezn\u00e1m\u00fd z\u00e1kazn\u00edk|ismeretlen|necunoscut
\u0391\u0393\u039d\u03a9\u03a3\u03a4\u039f\u03a3|ANON\u0130M|PERAKENDE M\u00dc\u015eTER\u0130|MISAFIR|TANIMSIZ
M\u00dc\u015eTER\u0130 NUMARASI|\u043d\u0435\u0432\u0456\u0434\u043e\u043c\u043e|\u0433\u043e\u0441\u0442
\u05d0\u05d5\u05e8\u05d7|\u0645\u0647\u0645\u0627\u0646|\u0632\u0628\u0648\u0646 \u0646\u0642\u062f\u064a
\u063a\u064a\u0631 \u0645\u062d\u062f\u062f|\u0e44\u0e21\u0e48\u0e21\u0e35|kh\u00e1ch l\u1ebb|pelanggan umum
\u533f\u540d\u7528\u6237|\u8a2a\u5ba2|\u4e00\u822c\u5ba2|\uac8c\uc2a4\ud2b8|\u0905\u0924\u093f\u0925\u093f
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
SOMEONE = (
    """
1|10|100|007|4711|-5|5.0|A-0|shop-0|2024-000|0-1-2|0a|1e5|ann|test|t|x|n|n1|p1|nobody|Null Island|nullarbor|undefined-ish|Nana
nan-yang|guest-123|guest123|cust_0|trueman|gaston|unknown soldier|2147483646|prf_01|00000000-0000-0000-0000-000000000001|deadbeef
+201001112223|ann@example.com|null@example.com|web:0815|gid://shopify/Customer/17|#17|{3f2504e0-4f89-11d3-9a0c-0305e82c3301}
cashmere|visitor-17|bos|ka|retail-9|#17|#ann_lee|{42}|999|99999999|-9|XAXX010101001|4111111111|default-shop:7|gostivar|hostel
\U0001f600|\u540d\u524d|\u00e9|a/b?c#d
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.mark.parametrize("written", NO_ONE)
def test_a_placeholder_is_not_an_id(written: str) -> None:
    assert is_placeholder(normal_form(written))
    assert is_placeholder(normal_form(f" {written}\u00a0"))


@pytest.mark.parametrize("written", SOMEONE)
def test_an_id_that_only_resembles_a_placeholder_is_an_id(written: str) -> None:
    assert not is_placeholder(normal_form(written))


@given(st.integers(1, 10**12), st.sampled_from(["", "c-", "user_", "web:", "A"]))
def test_a_number_is_an_id_unless_it_is_an_overflowed_counter_or_one_key_held_down(
    number: int, prefix: str
) -> None:
    overflowed = not prefix and number in (2**31 - 1, 2**32 - 1)
    one_key = not prefix and number >= 10**9 and len(set(str(number))) == 1
    assert is_placeholder(f"{prefix}{number}") is (overflowed or one_key)


BLANKS = " \t\r\n\u00a0\u2003\u3000\u200b\u200d\u200e\ufeff\u2060\u2800"


@given(st.text(), st.text(BLANKS), st.text(BLANKS), st.sampled_from(["NFC", "NFD"]))
def test_blanks_around_an_id_and_its_encoding_make_no_other_id(
    text: str, before: str, behind: str, form: str
) -> None:
    expected = normal_form(text)
    written = unicodedata.normalize(form, expected)  # pyright: ignore[reportArgumentType]
    assert normal_form(f"{before}{written}{behind}") == expected == normal_form(expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann", "ann"),
        ("007", "7"),
        ("a b", "ab"),
        ("a-b", "ab"),
        ("\uff11", "1"),
        ("\u00e9", "e"),
        ("+1", "1"),
    ],
)
def test_case_zeros_and_punctuation_of_an_id_count(one: str, other: str) -> None:
    assert normal_form(one) != normal_form(other)


@pytest.mark.parametrize(
    ("cell", "customer_id"),
    [
        ("'20", "20"),
        ("'0020", "0020"),
        (" '20 ", "20"),
        ("'=20", "=20"),
        ("'+20100", "+20100"),
        ("'-5", "-5"),
        ("'@ann", "@ann"),
        ('="20"', "20"),
        ('= "0020"', "0020"),
        ('=" 20 "', "20"),
        ('\'="20"', "20"),
        ("19.0", "19"),
        ("19.00", "19"),
        ("19,0", "19"),
        ("007.0", "007"),
        ("0.0", "0"),
        ("1.000", "1.000"),
        ("1,000", "1,000"),
        ("19.5", "19.5"),
        ("1.0.0", "1.0.0"),
        ("A1.0", "A1.0"),
        ("\u201920", "20"),
        ("'20'", "20"),
        ('"20"', "20"),
        ("O'Neil", "O'Neil"),
        ("=A1", "=A1"),
    ],
)
def test_a_spreadsheets_own_marks_come_off_an_id(cell: str, customer_id: str) -> None:
    assert from_spreadsheet(cell) == customer_id


@given(st.text())
def test_any_cell_is_read(cell: str) -> None:
    assert CustomerIds(RuleSet("1", "", "")).read(from_spreadsheet(cell), "pos").value is not None


@pytest.mark.parametrize(
    "written", ["4.71E+12", "4,71E+12", "1E+12", "4.71e+12", "-4.7E+10", "1.23456789012346E+18"]
)
def test_a_number_that_lost_digits_is_not_an_id(written: str) -> None:
    ids = CustomerIds(RuleSet("1", "", ""))
    assert ids.read(f" {written} ", "pos") == CustomerId(written, "digits_lost")


def test_an_id_space_may_have_placeholders_and_real_ids_of_its_own() -> None:
    spaces = {
        "pos": IdSpaceRules(placeholders=frozenset({"9999", "Kasse 1"})),
        "old": IdSpaceRules(real_ids=frozenset({"0", "Guest", "1E+10"})),
    }
    ids = CustomerIds(RuleSet("1", "", "", id_spaces=spaces))
    assert [ids.read(text, "pos").reason for text in ("9999", "KASSE 1", " 9999 ", "9998", "0")] == [
        *("placeholder",) * 3,
        "",
        "placeholder",
    ]
    assert [ids.read(text, "old").reason for text in ("0", " Guest", "1E+10", "guest", "9999")] == [
        "",
        "",
        "",
        "placeholder",
        "",
    ]


def test_what_is_said_of_all_other_id_spaces_holds_for_those_without_words_of_their_own() -> None:
    spaces = {"pos": IdSpaceRules(placeholders=frozenset({"9999"}))}
    others = IdSpaceRules(placeholders=frozenset({"8888"}), real_ids=frozenset({"0"}))
    ids = CustomerIds(RuleSet("1", "", "", id_spaces=spaces, other_id_spaces=others))
    read = {(text, space): ids.read(text, space).reason for text in ("8888", "0") for space in ("pos", "web")}
    assert read == {
        ("8888", "pos"): "",
        ("8888", "web"): "placeholder",
        ("0", "pos"): "placeholder",
        ("0", "web"): "",
    }


def test_one_id_cannot_be_both() -> None:
    text = """
    [rules]
    schema = 1
    version = "1"
    [id_space.pos]
    placeholders = ["9999", "0"]
    real_ids = ["0"]
    """
    problems = parse(text)
    assert isinstance(problems, list | tuple)
    assert any("real_ids" in problem.path for problem in problems)
