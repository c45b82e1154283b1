"""Events: the names of their actions, and what they say without saying it."""

from gateway.audit.event import Action, words_hmac
from gateway.audit.pseudonym import Pseudonyms


def test_the_code_calls_an_action_as_the_log_does() -> None:
    assert [action.name for action in Action] == [action.value.upper().replace(".", "_") for action in Action]


def test_equal_words_look_different_in_each_event() -> None:
    pseudonyms = Pseudonyms(b"key")
    assert words_hmac(pseudonyms, 7, "a wrong number") == pseudonyms.of("words", "7\0a wrong number")
    assert words_hmac(pseudonyms, 7, "a wrong number") != words_hmac(pseudonyms, 8, "a wrong number")
