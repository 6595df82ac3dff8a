"""Forcings answered at once, and pieces evaluated together: as one by one."""

from __future__ import annotations

import numpy as np
import pytest

from twin.piece import Piece, constant, harmonics, polynomial
from twin.response import respond
from twin.succession import is_plain, respond_in_turn
from twin.terms import Decays
from twin.timeline import Timeline
from twin.times import NS, Times


def sweeps(modes: int, count: int) -> list[Piece]:
    """Adjoining forcings of few lengths and degrees."""
    rng, start, made = np.random.default_rng(1), 0, []
    for k in range(count):
        length, degree = (NS // 2, 7 * NS, 300 * NS)[k % 3], (1, 2, 4)[k % 2 + k % 3 // 2]
        made.append(Piece(start, start + length, length, rng.normal(size=(degree, modes))))
        start += length
    return made


@pytest.mark.parametrize("rates", [(-1e-3, -0.1, -30.0), (-0.2 + 3j, -0.2 - 3j), (0.0, -1e-9), (1e-3, -40.0 + 200j)])
def test_in_turn_is_one_after_another(rates: tuple[complex, ...]) -> None:
    forcings = sweeps(len(rates), 14)
    x = start = np.linspace(1.0, -2.0, len(rates)).astype(complex if any(complex(r).imag for r in rates) else float)
    pieces, end = respond_in_turn(rates, start, forcings)
    for forcing, piece in zip(forcings, pieces, strict=True):
        one = respond(rates, x, forcing)
        for instant in (forcing.start, forcing.start + forcing.length // 3, forcing.start + forcing.length):
            scale = 1.0 + np.abs(one.series).sum(axis=0)
            assert np.abs(piece.values_at(instant) - one.values_at(instant)).max() < 3e-14 * scale.max()
        x = one.values_at(forcing.start + forcing.length)
    assert np.abs(end - x).max() < 3e-14 * scale.max()


def test_a_forcing_that_swings_falls_or_is_long_is_not_plain() -> None:
    assert is_plain(polynomial([1.0, 2.0, 3.0], 0, NS))
    assert not is_plain(harmonics(0.0, {1: 1.0}, 0, NS))  # type: ignore[dict-item]
    assert not is_plain(Piece(0, NS, NS, np.zeros((1, 1)), decays=Decays(np.array([-1.0]), np.ones((1, 1)))))
    assert not is_plain(Piece(0, NS, NS, np.ones((9, 1))))


def test_many_pieces_are_evaluated_together_as_one_by_one() -> None:
    """A line of sweeps with an oscillation and a long series in between, at scattered instants and between them."""
    line, rng = Timeline("line"), np.random.default_rng(2)
    laws: list[Piece] = []
    for k in range(12):
        start, end = 10 * k * NS, 10 * (k + 1) * NS
        if k == 5:
            laws.append(harmonics(0.3, {2: 1.0 + 1j}, start, end))  # type: ignore[dict-item]
        elif k == 7:
            laws.append(Piece(start, end, end - start, rng.normal(size=(40, 1))))
        else:
            laws.append(polynomial(rng.normal(size=k % 4 + 1).tolist(), start, end))
    line.follow(*laws, constant(1.0, 120 * NS))
    seconds = np.sort(rng.uniform(0.0, 125.0, 60)).reshape(6, 10)
    for times in (Times.of(seconds), Times.of((seconds * NS).astype(np.int64))):
        together = line.at(times)
        flat = times.in_a_row()
        alone = [float(line.at(flat.at(slice(k, k + 1)))[0]) for k in range(60)]
        assert np.abs(together.ravel() - alone).max() < 1e-13 * np.abs(alone).max()


def test_what_is_constant_has_the_shape_of_the_instants() -> None:
    """However often an expression is asked for, and by however many dimensions."""
    level, line = Timeline("level", 2.0), Timeline("line", 0.0)
    line.ramp_to(1.0, 0, NS)
    steady, moving = 3.0 * level * level + level, level * line + line
    for shape in ((), (3,), (2, 3)):
        for _ in range(5):
            at = Times(np.full(shape, NS // 2, dtype=np.int64))
            for signal, value in ((steady, 14.0), (moving, 1.5)):
                found = signal.at(at)
                assert found.shape == shape
                assert (found == value).all()
