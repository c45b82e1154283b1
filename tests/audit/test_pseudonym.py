"""How personal data appears in the log: as a pseudonym that can be searched for, or a mask that cannot be read back."""

import hmac

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.audit.pseudonym import Pseudonyms, mask


def test_a_value_has_one_pseudonym_under_one_key() -> None:
    one, other = Pseudonyms(b"one"), Pseudonyms(b"other")
    assert one.of("email", "ann@x.eg") == one.of("email", "ann@x.eg")
    assert one.of("email", "ann@x.eg") != other.of("email", "ann@x.eg")
    assert one.of("email", "ann@x.eg") != one.of("mobile", "ann@x.eg")
    assert len(one.of("email", "ann@x.eg")) == 32


@given(st.binary(max_size=200), st.text(), st.text(alphabet=st.characters(exclude_categories=["Cs"])))
@example(bytes(63) + b"x", "email", "ann@x.eg")
@example(bytes(64) + b"x", "email", "ann@x.eg")
def test_a_pseudonym_is_the_standard_hmac(key: bytes, kind: str, value: str) -> None:
    text = f"{kind}\0{value}".encode(errors="replace")
    assert Pseudonyms(key).of(kind, value) == hmac.digest(key, text, "sha256")[:16].hex()


@given(st.text(), st.text())
@example("email", "\udcff")
def test_any_text_has_a_pseudonym(kind: str, value: str) -> None:
    assert Pseudonyms(b"key").of(kind, value)


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("email", "ann@example.com", "a***@e***.com"),
        ("email.canonical", "ann@mail.example.co.uk", "a***@m***.uk"),
        ("email", '"a@b"@example.com', '"***@e***.com'),
        ("mobile", "+201001234567", "***67"),
        ("loyalty_id", "0123456789", "***(10)"),
        ("email", "not an address", "***(14)"),
    ],
)
def test_a_mask_shows_just_enough_to_recognise(kind: str, value: str, masked: str) -> None:
    assert mask(kind, value) == masked


@given(st.from_regex(r"[a-z]{4,12}@[a-z]{4,12}\.(com|eg)", fullmatch=True))
def test_a_mask_never_contains_the_address(address: str) -> None:
    local, _, domain = address.partition("@")
    assert local not in mask("email", address)
    assert domain.partition(".")[0] not in mask("email", address)


@given(st.from_regex(r"\+[0-9]{8,15}", fullmatch=True))
def test_a_mask_of_a_number_keeps_two_digits(number: str) -> None:
    assert sum(character.isdigit() for character in mask("mobile", number)) == 2
