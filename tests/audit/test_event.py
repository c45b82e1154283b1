"""What an event says without saying it."""

from gateway.audit.event import words_hmac
from gateway.audit.pseudonym import Pseudonyms


def test_equal_words_look_different_in_each_event() -> None:
    pseudonyms = Pseudonyms(b"key")
    assert words_hmac(pseudonyms, 7, "a wrong number") == pseudonyms.of("words", "7\0a wrong number")
    assert words_hmac(pseudonyms, 7, "a wrong number") != words_hmac(pseudonyms, 8, "a wrong number")
