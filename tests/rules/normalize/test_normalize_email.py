"""E-mail addresses: the forms that people write, what is refused or blocked and why, and one key for one address (I22)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.identifier import Normalized
from rules.normalize import normalize_email
from rules.ruleset import IdentifierRules

RULES = IdentifierRules("email")


def key(raw: str, rules: IdentifierRules = RULES) -> str:
    found = normalize_email(raw, rules)
    assert found.status == "ok", found.reason
    return found.value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("ann@example.com", "ann@example.com"),
        ("Ann@Example.COM", "ann@example.com"),
        ("  ann@example.com\r\n", "ann@example.com"),
        ("<ann@example.com>", "ann@example.com"),
        ("mailto:ann@example.com", "ann@example.com"),
        ("MAILTO:ann%2Bcard@example.com?subject=hello", "ann+card@example.com"),
        ("<mailto:ann@example.com>", "ann@example.com"),
        ('"ann"@example.com', "ann@example.com"),
        ('"a\\nn"@example.com', "ann@example.com"),
        ('"Ann B"@example.com', '"ann b"@example.com'),
        ('"a\\"b"@example.com', '"a\\"b"@example.com'),
        ("o'brien@example.com", "o'brien@example.com"),
        ("ann@münchen.de", "ann@xn--mnchen-3ya.de"),
        ("ann@MÜNCHEN.DE", "ann@xn--mnchen-3ya.de"),
        ("ann@mu\u0308nchen.de", "ann@xn--mnchen-3ya.de"),
        ("ann@XN--MNCHEN-3YA.de", "ann@xn--mnchen-3ya.de"),
        ("ann@例え。jp", "ann@xn--r8jz45g.jp"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("JOSÉ@example.com", "jos\u00e9@example.com"),
        ("straße@example.com", "straße@example.com"),
        ("\u200eann@example.com\u200f", "ann@example.com"),
        ("\ufeffa\u200bnn@exam\u00adple.com", "ann@example.com"),
        ("ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ann@example.com"),
        ("ann＠example.com", "ann@example.com"),
        ("a\u200dnn@example.com", "ann@example.com"),
        ("o\u2019brien@example.com", "o'brien@example.com"),
        ("Ann <ann@example.com>", "ann@example.com"),
        ('"Smith, Ann" <Ann@example.com>;', "ann@example.com"),
        ("ann@example.com.", "ann@example.com"),
        ("ann@example.com;", "ann@example.com"),
        ("ann@example.com ,", "ann@example.com"),
        ("; ann@example.com", "ann@example.com"),
        ("<ann@example.com>,", "ann@example.com"),
        ("'ann@example.com;'", "ann@example.com"),
    ],
)
def test_every_written_form_of_an_address_gives_one_key(raw: str, value: str) -> None:
    assert key(raw) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("\u200b \t", "empty"),
        ("<>", "empty"),
        ("mailto:", "empty"),
        ("ann", "syntax"),
        ("@example.com", "syntax"),
        ("a..n@example.com", "syntax"),
        ("ann smith@example.com", "syntax"),
        ("bob@example.com <ann@example.com>", "syntax"),
        ("Ann <ann@example.com> Bob <bob@example.com>", "syntax"),
        ("<ann@example.com", "syntax"),
        ("ann@example.com, bob@example.com", "syntax"),
        ("ann@example.com; bob@example.com;", "syntax"),
        ("a\x00nn@example.com", "syntax"),
        ("\ud800@example.com", "syntax"),
        ("ann@", "domain"),
        ("ann@example", "domain"),
        ("ann@localhost", "domain"),
        ("ann@exam ple.com", "domain"),
        ("ann@-example.com", "domain"),
        ("ann@example..com", "domain"),
        ("ann@example.com..", "domain"),
        ("ann@example.com>", "domain"),
        ("ann@[192.0.2.1]", "domain"),
        ("ann@exa\ud800mple.com", "domain"),
        ("a" * 250 + "@example.com", "too_long"),
        ("a" * 10_000_000 + "@example.com", "too_long"),
    ],
)
def test_an_invalid_address_is_refused_with_its_reason(raw: str, reason: str) -> None:
    assert normalize_email(raw, RULES) == Normalized("invalid", "", reason)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("eri***@example.com", "masked"),
        ("e*@example.com", "masked"),
        ("e•••@example.com", "masked"),
        ("e\ufffdi@example.com", "masked"),
        ("Info@example.com", "role"),
        ("info+shop@example.com", "role"),
        ("no-reply@example.com", "role"),
        ("ann@mailinator.com", "disposable"),
        ("ann@eu.mailinator.com", "disposable"),
    ],
)
def test_role_and_disposable_addresses_are_stored_but_blocked(raw: str, reason: str) -> None:
    found = normalize_email(raw, RULES)
    assert (found.status, found.value, found.reason) == ("blocked", raw.lower(), reason)


def test_the_rules_may_let_role_masked_and_disposable_addresses_merge() -> None:
    open_rules = IdentifierRules("email", reject_role=False, reject_masked=False, disposable="allow")
    for raw in ("eri***@example.com", "info@example.com", "ann@mailinator.com"):
        assert key(raw, open_rules) == raw


def test_the_case_before_the_at_sign_matters_only_if_the_rules_say_so() -> None:
    exact = IdentifierRules("email", casefold_local=False)
    assert key("Ann@Example.com", exact) == "Ann@example.com"
    assert key("ann@example.com", exact) != key("Ann@example.com", exact)
    assert key("Ann@Example.com") == key("ann@example.com")


@pytest.mark.parametrize(
    "raw",
    [
        "'s1@shop.example.com",
        "'s1@shop.example.com'",
        "''s1@shop.example.com",
        "\u2019s1@shop.example.com",
        "\u2018s1@shop.example.com\u2019",
        "`s1@shop.example.com",
        "\u00b4s1@shop.example.com",
        "\uff07s1@shop.example.com",
        '="s1@shop.example.com"',
        "='S1@shop.example.com'",
        '"s1@shop.example.com"',
        "\u201cs1@shop.example.com\u201d",
        "\u201es1@shop.example.com\u201c",
        "'<s1@shop.example.com>",
        "<'s1@shop.example.com'>",
        "'mailto:s1@shop.example.com",
        "\t's1@shop.example.com ",
    ],
)
def test_what_a_spreadsheet_puts_around_an_address_is_taken_off(raw: str) -> None:
    assert key(raw) == "s1@shop.example.com"


@pytest.mark.parametrize(
    "raw",
    [
        '"\'t.hooft"@example.nl',
        '"\'"@example.nl',
        '"`x"@example.nl',
        "o'brien@example.com",
        "ann'@example.com",
        "=ann@example.com",
    ],
)
def test_an_apostrophe_that_belongs_to_the_address_stays_and_a_leading_one_needs_quotes(raw: str) -> None:
    assert key(raw) == raw
    assert key(f"'{raw}") == raw


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("CANAN@GMA\u0130L.COM", "canan@gmail.com"),
        ("CANAN@GMAI\u0307L.COM", "canan@gmail.com"),
        ("canan@gmai\u0307l.com", "canan@gmail.com"),
        ("canan@gma\u0131l.com", "canan@gmail.com"),
        ("canan@hotma\u0131l.com.tr", "canan@hotmail.com.tr"),
        ("canan@\u0130CLOUD.COM", "canan@icloud.com"),
        ("canan@L\u0130VE.COM", "canan@live.com"),
        ("canan@\u0130STANBUL.com.tr", "canan@istanbul.com.tr"),
        ("canan@\u0130\u015eLEM.com.tr", "canan@xn--ilem-55a.com.tr"),
        ("canan@example.\u0131nfo", "canan@example.info"),
        ("CANAN.\u0130PEK@gmail.com", "canan.ipek@gmail.com"),
        ("canan.\u0131pek@gmail.com", "canan.ipek@gmail.com"),
        ("\u0130PEK@example.com", "ipek@example.com"),
        ("\u0130\uff30EK@example.com", "ipek@example.com"),
        ("j\u00fcrgen@GMA\u0130L.COM", "j\u00fcrgen@gmail.com"),
        ("ann@\u00e7i\u00e7ek-\u0131s\u0131.com.tr", "ann@xn--iek-s-xrab90db.com.tr"),
        ("ann@xn--sparta-q9a.com.tr", "ann@xn--sparta-q9a.com.tr"),
    ],
)
def test_the_turkish_i_in_another_case_makes_no_other_address(raw: str, value: str) -> None:
    assert key(raw) == value
    assert key(value) == value


@pytest.mark.parametrize("domain", ["\u0131sparta.com.tr", "sh\u0131p.com", "\u0131s\u0131k.net"])
def test_a_dotless_i_that_may_be_meant_or_not_is_refused(domain: str) -> None:
    assert normalize_email(f"ann@{domain}", RULES) == Normalized("invalid", "", "domain")


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("a.n.n+card@gmail.com", "ann@gmail.com"),
        ("Ann@googlemail.com", "ann@gmail.com"),
        ("ann@gmail.com", "ann@gmail.com"),
        ("a.nn+card@outlook.com", "a.nn@outlook.com"),
        ("ann+card@hotmail.co.uk", "ann@hotmail.co.uk"),
        ("ann+card@live.com", "ann@live.com"),
        ("ann+card@icloud.com", "ann@icloud.com"),
        ("ann-card@yahoo.com", "ann@yahoo.com"),
        ("ann+card@yahoo.com", "ann+card@yahoo.com"),
        ("ann+card@fastmail.com", "ann@fastmail.com"),
        ("ann+card@fastmail.co.uk", "ann@fastmail.co.uk"),
        ("card@ann.fastmail.com", "ann@fastmail.com"),
        ("card@ann.fastmail.co.uk", "ann@fastmail.co.uk"),
        ("card@x.ann.fastmail.com", ""),
        ("ann-card@yahoo.com.my", "ann@yahoo.com.my"),
        ("ann-card@yahoo.nl", "ann@yahoo.nl"),
        ("lee@me.com", "lee@icloud.com"),
        ("lee+card@mac.com", "lee@icloud.com"),
        ("l.ee@icloud.com", "l.ee@icloud.com"),
        ("a.n-n_a+card@protonmail.com", "anna@proton.me"),
        ("anna@pm.me", "anna@proton.me"),
        ("Anna@protonmail.ch", "anna@proton.me"),
        ("ivan.petrov+card@ya.ru", "ivan-petrov@yandex.ru"),
        ("ivan-petrov@yandex.com", "ivan-petrov@yandex.ru"),
        ("ivanpetrov@yandex.kz", "ivanpetrov@yandex.ru"),
        ("ann+card@outlook.com.br", "ann@outlook.com.br"),
        ("ann+card@hotmail.ch", "ann@hotmail.ch"),
        ("ann+card@live.com.pt", "ann@live.com.pt"),
        ("ann+card@zoho.com", "ann@zoho.com"),
        ("ann+card@posteo.de", "ann@posteo.de"),
        ("ann+card@mailbox.org", "ann@mailbox.org"),
        ("ann+card@gmx.de", ""),
        ("ann+card@web.de", ""),
        ("-_@proton.me", ""),
        ("ann+card@example.com", ""),
        ("+card@gmail.com", ""),
        ('"a b"@gmail.com', ""),
    ],
)
def test_the_canonical_form_is_the_providers_own_and_never_replaces_the_address(
    raw: str, canonical: str
) -> None:
    found = normalize_email(raw, RULES)
    assert found == Normalized("ok", raw.lower(), "", canonical)
    if canonical:
        assert normalize_email(canonical, RULES) == Normalized("ok", canonical, "", canonical)


def test_there_is_no_canonical_form_if_the_rules_switch_it_off() -> None:
    off = IdentifierRules("email", provider_canonical="off")
    assert normalize_email("a.nn+x@gmail.com", off) == Normalized("ok", "a.nn+x@gmail.com")


ADDRESSES = st.one_of(
    st.text(max_size=40),
    st.builds(
        lambda local, domain: f"{local}@{domain}",
        st.one_of(
            st.text(min_size=1, max_size=12),
            st.text("aZé0.+-_\"\\ *İıΣß\u0301\u0307='\u2019", max_size=8),
            st.just('"a b"'),
        ),
        st.one_of(
            st.sampled_from(
                [
                    "example.com",
                    "Gmail.com",
                    "münchen.de",
                    "À.fr",
                    "yahoo.com",
                    "GMAİL.com",
                    "ışık.tr",
                    "pm.me",
                    "ya.ru",
                ]
            ),
            st.text(max_size=12),
        ),
    ),
    st.text('aB.@+"\\<> é\u200f\u200d％＠％’À', max_size=24),
)


@settings(deadline=None, max_examples=600)
@given(raw=ADDRESSES, casefold=st.booleans())
def test_i22_any_text_has_an_answer_and_an_address_normalises_to_itself(raw: str, casefold: bool) -> None:
    rules = IdentifierRules("email", casefold_local=casefold)
    found = normalize_email(raw, rules)
    assert bool(found.value) == (found.status != "invalid")
    assert bool(found.reason) == (found.status != "ok")
    if found.value:
        assert normalize_email(found.value, rules) == found


@pytest.mark.parametrize(
    "raw",
    [
        "o’neil@münchen.de",
        "o'neil@münchen.de",
        "o＇neil@xn--mnchen-3ya.de",
        "ｏ’neil＠münchen.de",
        '"o’neil"@münchen.de',
    ],
)
def test_a_typographic_local_part_is_one_address_beside_an_international_domain(raw: str) -> None:
    assert normalize_email(raw, IdentifierRules("email")).value == "o'neil@xn--mnchen-3ya.de"


@pytest.mark.parametrize(("dots", "status"), [(".", "ok"), ("\u3002", "invalid")])
def test_an_address_that_is_too_long_as_it_was_written_is_not_shortened_into_a_valid_one(
    dots: str, status: str
) -> None:
    raw = f"o'brien@{'d.' * 118}1a.mu{dots}seum"
    assert normalize_email(raw, IdentifierRules("email")).status == status
