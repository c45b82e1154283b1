from __future__ import annotations

from collections import Counter

import pytest

from gateway.http.gameball.handlers import HANDLERS
from gateway.http.gameball.older_versions import ANY_OLDER, BELOW, INSTALLED, OLDER
from gateway.http.gameball.operations import ACHIEVE, BOT_SETTINGS, DOCUMENTED, OUTSIDE, UNLISTED, Operation
from gateway.http.gameball.routing import find, find_unlisted

V40 = "/api/v4.0/integrations"
OPERATIONS = (*DOCUMENTED, *OUTSIDE, *OLDER, ANY_OLDER, INSTALLED, BOT_SETTINGS, UNLISTED)


def test_all_documented_operations_are_known_and_thirteen_are_local() -> None:
    assert len(DOCUMENTED) == 74
    assert Counter(operation.modes for operation in DOCUMENTED) == {"both": 13, "forward": 61}
    assert sum(not operation.secret for operation in DOCUMENTED) == 21
    assert len({operation.route for operation in OPERATIONS}) == len(OPERATIONS)


def test_exactly_the_local_operations_have_handlers() -> None:
    assert set(HANDLERS) == {operation.route for operation in OPERATIONS if operation.modes == "both"}


@pytest.mark.parametrize("operation", [*DOCUMENTED, *OUTSIDE], ids=lambda one: one.route)
def test_every_operation_is_found_at_its_own_path(operation: Operation) -> None:
    place = find(V40 + operation.path.replace("{", "x").replace("}", "x"))
    assert place is not None
    assert place.operation(operation.method) == operation
    assert len(place.parameters) == operation.path.count("{")


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v4/integrations/customers/social-challenges", ACHIEVE.route),
        ("/api/v4.1/integrations/customers/social-challenges", ACHIEVE.route),
        (f"{V40}/customers/social-challenges/tags", "POST /customers/{customerId}/tags"),
        ("/api/v3.0/integrations/player/a@b.c/tags", f"POST {BELOW}/player/{{playerUniqueId}}/tags"),
        ("/api/v2.0/Integrations/Player/Info", f"POST {BELOW}/player/info"),
        ("/v2.0/Integrations/Transaction/Hold", f"POST {BELOW}/transaction/hold"),
        ("/api/v1/integrations/unheard/of", ANY_OLDER.route),
        ("/api/v3.0/integrations/config", ANY_OLDER.route),
    ],
)
def test_literal_path_segments_win_over_parameters(path: str, route: str) -> None:
    place = find(path)
    assert place is not None
    operation = place.operation("POST")
    assert operation is not None
    assert operation.route == route


@pytest.mark.parametrize("operation", OLDER, ids=lambda one: one.route)
@pytest.mark.parametrize("prefix", ["/api/v3.0/integrations", "/api/v1/Integrations", "/v2.0/Integrations"])
def test_every_older_operation_is_found_in_every_spelling(operation: Operation, prefix: str) -> None:
    below = operation.path.removeprefix(BELOW).replace("{", "x").replace("}", "x")
    for path in (prefix + below, prefix + below.title()):
        place = find(path)
        assert place is not None
        assert place.operation(operation.method) == operation
        assert len(place.id_at) == len(place.parameters) == operation.named.path
        assert all(path.split("/")[at].lower() == "xplayeruniqueidx" for at in place.id_at)


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/api/v4.0/integrations/x", "v4.0"),
        ("/api/v4/x/y", "v4.0"),
        ("/api/v4.1/x", "v4.1"),
        ("/api/v4.10/x", "v4.1"),
        ("/api/v10.0/x", "v4.1"),
        ("/api/v3.5/integrations/x", "v3.0"),
        ("/api/v0.9/x", None),
        ("/api/4.0/x", None),
        ("/api/v4.0.1/x", None),
        ("/api/v4.0/x/", None),
    ],
)
def test_an_unknown_path_counts_as_the_newest_version_that_is_not_newer(
    path: str, version: str | None
) -> None:
    place = find_unlisted(path)
    assert (place and place.version) == version


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v9.9/integrations/customers",
        f"{V40}/customers/",
        f"{V40}/customers/a/b/c",
        f"{V40}/plants",
    ],
)
def test_other_paths_are_not_found(path: str) -> None:
    assert find(path) is None


@pytest.mark.parametrize(
    ("version", "high_security", "needed"),
    [("v4.0", False, False), ("v4.0", True, True), ("v4.1", False, True)],
)
def test_a_key_only_operation_needs_the_secret_on_v41_and_in_high_security_mode(
    version: str, high_security: bool, needed: bool
) -> None:
    upsert = next(operation for operation in DOCUMENTED if operation.route == "POST /customers")
    assert upsert.needs_secret(version, high_security=high_security) is needed  # pyright: ignore
    assert ACHIEVE.needs_secret(version, high_security=high_security)  # pyright: ignore
