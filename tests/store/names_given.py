"""What a database holds before and after the schema step that keeps which record each profile is named after."""

from gateway.ids import Ids

STEP = 14
_ids = Ids(3)
ANN, ANN_ID, PART, BOB, BOB_ID, LAST, LAST_ID, GUEST, NOBODY = (
    _ids.next(1_800_000_000_000) for _ in range(9)
)
CARRY = LAST - LAST % 2048 + 2047
"""The last id of its millisecond; the next one is of another."""
CARRIED = Ids(3).next((CARRY >> 21) + 1_704_067_200_001)
BEFORE = (
    f"""INSERT INTO record VALUES ('web', 'ann', {ANN_ID}, {ANN}, 0, 1, 0), ('pos', '17', {BOB_ID}, {ANN}, 0, 1, 0),
    ('web', 'cem', {LAST_ID}, {PART}, 0, 1, 0), ('app', 'cem', {GUEST}, {PART}, 0, 1, 0),
    ('web', 'z', {CARRIED}, {CARRY}, 0, 1, 0)""",
    f"""INSERT INTO profile VALUES ({ANN}, 0, 1, NULL, 'another name'), ({BOB}, 0, 1, {ANN}, '17'),
    ({PART}, 0, 1, NULL, 'app:cem'), ({CARRY}, 0, 1, NULL, 'z'), ({NOBODY}, 0, 1, {PART}, 'who left')""",
)
"""Two that calls made, one of them absorbed; a part; one whose id is the last of its millisecond; and one whose record left it."""
NAMES = "SELECT profile_id, named_after FROM profile ORDER BY profile_id"
AFTER = sorted([(ANN, ANN_ID), (BOB, BOB_ID), (PART, GUEST), (CARRY, CARRIED), (NOBODY, 0)])
