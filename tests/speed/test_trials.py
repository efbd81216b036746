"""Turns: who works when, what is thrown away, and what is told of the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkwash.errors import UsageError
from inkwash.speed.trials import Piece, Spread, in_turn, lasting


def test_pieces_alternate_and_each_is_called_as_often_as_it_says(clock):
    order = []
    pieces = [
        Piece(name, lambda name=name: order.append(name), times) for name, times in (("A", 1), ("B", 2), ("C", 1))
    ]
    in_turn(pieces, 3, clock)
    assert "".join(order) == "ABBC" * 4


def test_the_first_turn_is_thrown_away(clock):
    found = in_turn([Piece("A", clock.takes(100.0, 1.0, 2.0, 4.0)), Piece("B", clock.takes(50.0, 8.0))], 3, clock)
    assert found == {"A": (1.0, 2.0, 4.0), "B": (8.0, 8.0, 8.0)}


def test_a_piece_of_many_calls_is_told_by_one(clock):
    found = in_turn([Piece("A", clock.takes(0.25), times=8)], 2, clock)
    assert found == {"A": (0.25, 0.25)}


def test_progress_is_told_after_every_piece_of_every_turn(clock):
    done = []
    in_turn([Piece("A", clock.takes(1.0)), Piece("B", clock.takes(1.0))], 2, clock, lambda: done.append(clock()))
    assert done == [1, 2, 3, 4, 5, 6]


def test_no_trial_and_two_of_one_name_are_refused(clock):
    with pytest.raises(UsageError, match="--trials is 0"):
        in_turn([Piece("A", clock.takes(1.0))], 0, clock)
    with pytest.raises(ValueError):
        in_turn([Piece("A", clock.takes(1.0)), Piece("A", clock.takes(1.0))], 1, clock)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=12))
def test_median_and_quartiles_are_those_of_numpy(values):
    found = Spread.of(values)
    expected = np.percentile(values, [50, 25, 75])
    np.testing.assert_allclose((found.median, found.low, found.high), expected, rtol=1e-12)


def test_short_work_is_repeated_and_long_work_is_not():
    calls = []
    piece = lasting("short", lambda: calls.append(1), seconds=1e-3)
    assert piece.times > 1 and len(calls) == 2
    assert lasting("long", lambda: None, seconds=1e-12).times == 1
