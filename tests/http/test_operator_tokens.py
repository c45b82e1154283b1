"""Which operator a token belongs to."""

from gateway.config import operator_token
from gateway.http.operator_tokens import OperatorTokens
from gateway.model import StoredOperator

NOW = 1_790_000_000_000
SHARED = "the-shared-admin-token"


def ring() -> OperatorTokens:
    return OperatorTokens(SHARED, b"a pepper")


def row(name: str, digest: bytes, **fields: object) -> StoredOperator:
    return StoredOperator(name, "steward", digest, NOW, "operator:shared", **fields)  # pyright: ignore


def test_a_token_belongs_to_its_operator_and_the_shared_one_to_an_admin() -> None:
    operators = ring()
    token, digest = operators.issue("ann")
    operators.refresh([row("ann", digest)])
    holder = operators.open(token, NOW)
    assert holder is not None
    assert (holder.name, holder.role) == ("ann", "steward")
    shared = operators.open(SHARED, NOW)
    assert shared is not None
    assert (shared.name, shared.role) == ("shared", "admin")
    for wrong in ("", token[:-1], token + "0", token.upper(), "\ud800", digest.hex()):
        assert operators.open(wrong, NOW) is None


def test_after_a_rotation_both_tokens_open_until_the_grace_ends() -> None:
    operators = ring()
    (old, before), (new, digest) = operators.issue("ann"), operators.issue("ann")
    operators.refresh([row("ann", digest, previous_hash=before, previous_until=NOW + 10)])
    assert [operators.open(old, at) is not None for at in (NOW, NOW + 9, NOW + 10)] == [True, True, False]
    assert operators.open(new, NOW + 10) is not None


def test_a_removed_operators_tokens_are_refused() -> None:
    operators = ring()
    token, digest = operators.issue("ann")
    operators.refresh([row("ann", digest)])
    operators.refresh([row("ann", digest, removed_at=NOW)])
    assert operators.open(token, NOW) is None


def test_the_last_part_of_a_token_is_the_key_by_which_its_gateway_proves_itself() -> None:
    operators = ring()
    parts = operator_token.parsed(operators.issue("ann-b.2")[0])
    assert parts is not None
    assert parts.name == "ann-b.2"
    assert parts.proving_key == operators.proving_key(parts.token_id)
    assert parts.proving_key != OperatorTokens(SHARED, b"another pepper").proving_key(parts.token_id)


def test_text_that_only_resembles_a_token_is_refused() -> None:
    token, _ = ring().issue("ann")
    for text in (
        "",
        SHARED,
        token + "\n",
        token.replace("ann", "Ann"),
        token.replace("ann", "a_n"),
        token[3:],
    ):
        assert operator_token.parsed(text) is None


def test_the_last_use_of_a_token_is_stored_every_five_minutes() -> None:
    operators = ring()
    assert [operators.is_use_news("ann", at) for at in (NOW, NOW + 299_999, NOW + 300_000)] == [
        True,
        False,
        True,
    ]
