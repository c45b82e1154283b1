import pytest

from gateway.audit.verification_record import VerificationRecord, read, written

KEY = b"k" * 32
FOUND = VerificationRecord(1_790_000_000_000, 2, state=True, checkpoint=7, signature="ab")


def test_what_was_signed_is_read_again() -> None:
    assert read(KEY, *written(KEY, FOUND)) == FOUND


@pytest.mark.parametrize("change", ["text", "signature", "key"])
def test_what_was_not_signed_with_the_key_says_nothing(change: str) -> None:
    text, signature = written(KEY, FOUND)
    changed = {
        "text": (KEY, text.replace('"breaches":2', '"breaches":0'), signature),
        "signature": (KEY, text, bytes(32)),
        "key": (b"x" * 32, text, signature),
    }
    assert read(*changed[change]) is None
