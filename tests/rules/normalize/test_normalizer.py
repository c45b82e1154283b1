"""The normaliser of a rule set: declared types, blocked values, and an answer for any string."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.identifier import Evidence, Identifier, Normalized
from rules.normalize import Normalizer
from rules.normalize.blocked import NO_LISTS
from rules.ruleset import Blocked, IdentifierRules, RuleSet

MOBILE = "+447400123456"
NOTHING_BLOCKED = Blocked()
PATTERNS = ("^[0-]*$", r"^(\d)\1{6,}$", "^(0?1234567|9876543)")


def normalizer(
    blocked: Blocked = NOTHING_BLOCKED, own: Mapping[str, frozenset[str]] = NO_LISTS
) -> Normalizer:
    types = {
        "mobile": IdentifierRules("phone"),
        "email": IdentifierRules("email"),
        "loyalty_id": IdentifierRules("opaque"),
    }
    return Normalizer(RuleSet("1", "", "", identifiers=types, blocked=blocked), own)


def blocked(value: str) -> Normalized:
    return Normalized("blocked", value, "blocked_value")


def test_each_declared_type_is_normalised_by_its_kind() -> None:
    plain = normalizer()
    assert plain.normalize("mobile", "07400 123456", "GB") == Normalized("ok", MOBILE)
    assert plain.normalize("email", "Ann@Example.com") == Normalized("ok", "ann@example.com")
    assert plain.normalize("loyalty_id", " A1 ") == Normalized("ok", "A1")


def test_a_type_that_the_rules_do_not_declare_has_no_value() -> None:
    assert normalizer().normalize("passport", "X1") == Normalized("invalid", "", "undeclared_type")


@pytest.mark.parametrize(
    "raw", ["null", " NULL ", '"null"', "\u200bNull", "None", "undefined", "[object Object]"]
)
def test_programs_words_for_nothing_are_blocked_for_every_type_unless_switched_off(raw: str) -> None:
    assert normalizer().normalize("loyalty_id", raw).reason == "blocked_value"
    assert normalizer().normalize("mobile", raw, "GB") == Normalized("invalid", "", "blocked_value")
    assert normalizer().normalize("email", raw) == Normalized("invalid", "", "blocked_value")
    assert normalizer(Blocked(builtin=False)).normalize("loyalty_id", raw).status == "ok"


@pytest.mark.parametrize(
    "raw", ["#N/A", "(none)", "0.0", "{{card}}", "unbekannt", "sin datos", "لا يوجد", "2222222222"]
)
def test_what_means_no_customer_as_a_customer_id_is_no_opaque_identifier_either(raw: str) -> None:
    assert normalizer().normalize("loyalty_id", raw) == blocked(raw)
    assert normalizer(Blocked(builtin=False)).normalize("loyalty_id", raw).status == "ok"


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "guest@shop.com",
            "noemail@example.com",
            "test@test.com",
            "a@a.com",
            "no.e-mail@shop.com",
            "keine-email@shop.de",
        ),
        *(
            "unbekannt@unbekannt.de",
            "sincorreo@gmail.com",
            "no.tiene@hotmail.com",
            "pasdemail@orange.fr",
            "naotem@uol.com.br",
        ),
        *(
            "senza.email@libero.it",
            "geenmail@ziggo.nl",
            "no@no.no",
            "xx@xx.de",
            "keine@keine.de",
            "none@none.eu",
            "x@x.x",
        ),
    ],
)
def test_placeholder_addresses_are_blocked_unless_switched_off(raw: str) -> None:
    assert normalizer().normalize("email", raw) == blocked(raw)
    assert normalizer(Blocked(builtin=False)).normalize("email", raw).status == "ok"


def test_a_number_of_one_digit_only_is_blocked_unless_switched_off() -> None:
    assert normalizer().normalize("mobile", "+971 55 555 5555").reason == "blocked_value"
    assert normalizer(Blocked(builtin=False)).normalize("mobile", "+971 55 555 5555").status == "ok"


@pytest.mark.parametrize("raw", ["07400 123456", MOBILE, f"{MOBILE};ext=7", "00447400123456"])
def test_a_blocked_number_is_blocked_however_it_is_written(raw: str) -> None:
    for one in (
        normalizer(Blocked(phones=("+44 7400 123456", "own:stores"))),
        normalizer(Blocked(phones=("own:stores",)), {"stores": frozenset({MOBILE})}),
        normalizer(Blocked(exact=frozenset({MOBILE}))),
    ):
        found = one.normalize("mobile", raw, "GB")
        assert (found.status, found.reason) == ("blocked", "blocked_value")
        assert found.value.startswith(MOBILE)


@pytest.mark.parametrize(
    "raw", ["Sam@Shop.com", "<sam@shop.com>", "till7@shop.com", "desk@any.org", "s.am+x@gmail.com"]
)
def test_blocked_addresses_may_be_patterns_and_bind_the_canonical_form(raw: str) -> None:
    one = normalizer(Blocked(emails=("SAM@shop.com", "till*@shop.com", "desk@*", "sam@gmail.com")))
    assert one.normalize("email", raw).reason == "blocked_value"
    assert one.normalize("email", "ann@shop.com").status == "ok"


@pytest.mark.parametrize("raw", ["0000-000", "7777777", "1234567890", "01234567", "98765432"])
def test_blocked_patterns_are_tried_on_the_text_as_written(raw: str) -> None:
    one = normalizer(Blocked(patterns=PATTERNS))
    assert one.normalize("loyalty_id", raw) == blocked(raw)
    assert one.normalize("mobile", raw, "US").reason == "blocked_value"
    assert one.normalize("loyalty_id", f"A{raw}").status == "ok"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("99$", "A99"),
        ("^B|C$", "xC"),
        (r"^(B|\(C)$", "(C"),
        (r"^[)|(]+D", "(D"),
        ("(?i)qq", "xQq"),
        ("(?P<d>[5-7])(?P=d)(?P=d)", "x666"),
        (r"(\w)-\1-\1", "a-a-a"),
        (r"^(x)(y)\2\1", "xyyx"),
    ],
)
def test_each_blocked_pattern_means_among_others_what_it_means_alone(pattern: str, text: str) -> None:
    together = normalizer(Blocked(patterns=(*PATTERNS, r"^(z)\1", pattern, "^(w)w"), builtin=False))
    assert together.normalize("loyalty_id", text).status in {"blocked", "ok"}
    alone = normalizer(Blocked(patterns=(pattern,), builtin=False))
    for candidate in (text, f"{text}!", f"!{text}", "zz", "ww", "plain"):
        expected = alone.normalize("loyalty_id", candidate).status == "blocked" or candidate in {"zz", "ww"}
        assert (together.normalize("loyalty_id", candidate).status == "blocked") == expected


def test_a_value_is_evidence_with_its_canonical_form_behind_it() -> None:
    one = normalizer(Blocked(emails=("sam@gmail.com",)))
    assert one.evidence("email", "A.nn+x@gmail.com", None) == (
        Evidence(Identifier("email", "a.nn+x@gmail.com"), "ok", ""),
        Evidence(Identifier("email.canonical", "ann@gmail.com"), "ok", ""),
    )
    assert one.evidence("mobile", "07400 123456", "GB") == (Evidence(Identifier("mobile", MOBILE), "ok", ""),)
    assert one.evidence("mobile", " none ", "GB") == (
        Evidence(Identifier("mobile", " none "), "invalid", "blocked_value"),
    )
    assert [(each.status, each.reason) for each in one.evidence("email", "s.am@gmail.com", None)] == [
        ("blocked", "blocked_value")
    ]


@pytest.mark.parametrize(
    ("type_", "value", "is_blocked"),
    [
        ("email", "ann@gmail.com", False),
        ("email.canonical", "ann@gmail.com", False),
        ("email.canonical", "sam@gmail.com", True),
        ("mobile", MOBILE, False),
        ("mobile", "+441", True),
        ("passport", "X1", True),
    ],
)
def test_a_stored_value_is_blocked_where_the_rules_would_not_accept_it_today(
    type_: str, value: str, is_blocked: bool
) -> None:
    one = normalizer(Blocked(emails=("sam@gmail.com",)))
    assert one.blocks(Identifier(type_, value)) == is_blocked


def test_empty_and_over_long_text_keeps_its_reason() -> None:
    one = normalizer(Blocked(exact=frozenset({""}), patterns=(".*",)))
    for name in ("mobile", "email", "loyalty_id"):
        assert one.normalize(name, "", "GB").reason == "empty"
        assert one.normalize(name, "0" * 10_000_000, "GB").reason == "too_long"


@settings(deadline=None, max_examples=300)
@given(
    name=st.sampled_from(["mobile", "email", "loyalty_id"]),
    raw=st.one_of(st.text(), st.text("0123456789+ @.ax-\x00\ud800\u200f\n", max_size=400)),
    region=st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["GB", "EG"])),
)
def test_any_text_has_an_answer_and_a_blocked_value_never_becomes_free(
    name: str, raw: str, region: str | None
) -> None:
    free = normalizer(Blocked(builtin=False)).normalize(name, raw, region)
    found = normalizer(Blocked(patterns=PATTERNS)).normalize(name, raw, region)
    assert found.value == free.value
    assert found == free or found.reason == "blocked_value"


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "vera@vera.com",
            "vero@gmail.com",
            "nat@web.de",
            "nadie@shop.com",
            "private@person.de",
            "anna@anna.de",
        ),
        *("niemand@web.de", "null-ouvert@web.de", "yok@gmail.com", "kein.mann@web.de", "ann@none.com"),
    ],
)
def test_an_address_that_may_be_a_persons_is_not_blocked(raw: str) -> None:
    assert normalizer().normalize("email", raw).status == "ok"
