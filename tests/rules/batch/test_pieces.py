"""What becomes of profiles whose records are to form other groups."""

from rules.batch.pieces import Piece, leaving, oldest, pieces

BEFORE = {1: [10, 11, 12, 13], 2: [20], 3: [30, 31]}
NAMES = {11: 1, 12: 6, 13: 5, 20: 2, 40: 3}
"""Profiles 5 and 6 were absorbed. The record after which 3 was named is on another profile today."""
POINTS = {10: 5, 12: 2, 13: 3, 20: 1}


def made(*groups: list[int]) -> list[Piece]:
    return list(pieces(BEFORE, groups, POINTS, NAMES))


def test_the_piece_with_the_record_that_gave_the_name_keeps_the_id_and_others_take_a_former_one() -> None:
    assert made([10], [11], [13, 12, 20], [30], [31]) == [
        Piece(1, 0, (10,), 5, 0),
        Piece(1, 1, (11,), 0, 1),
        Piece(1, 2, (12, 13), 5, 5),
        Piece(2, 2, (20,), 1, 2),
        Piece(3, 3, (30,), 0, 3),
        Piece(3, 4, (31,), 0, 0),
    ]


def test_a_group_that_is_a_profile_already_has_no_pieces_and_records_of_no_profile_are_left_out() -> None:
    assert made([20], [31, 30], [99], [13, 12, 11, 10, 98]) == []


def test_all_pieces_leave_but_the_one_whose_profile_the_group_becomes() -> None:
    found = made([10], [11, 20], [12, 30], [13, 31])
    stays = [piece for piece in found if piece not in leaving(found, oldest)]
    assert stays == [Piece(1, 1, (11,), 0, 1), Piece(3, 2, (30,), 0, 3)]


def test_a_piece_that_takes_a_former_id_leaves_its_present_profile() -> None:
    found = made([11], [12, 13], [10])
    assert leaving(found, oldest) == {found[1], found[2]}
    assert not found[1].is_main
