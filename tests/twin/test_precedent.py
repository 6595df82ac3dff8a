"""How pieces went before tells how the next will go: found by their ends, kept few, and only ever a first guess."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.twin.builders import Formula, Given, Lag, ns
from twin.composition import Function
from twin.piece import Piece, constant
from twin.precedent import EACH, LENGTHS, Precedents
from twin.relaxation import Relaxation
from twin.timeline import Timeline
from twin.twin import Twin

ONE = np.ones(1)


def course(first: float, last: float, nodes: int = 4) -> NDArray[np.float64]:
    return np.linspace(first, last, nodes)[None, :]


def test_the_piece_that_began_and_ended_most_alike_is_found() -> None:
    known = Precedents()
    for k, (first, last) in enumerate([(0.0, 1.0), (0.0, 2.0), (5.0, 1.0)]):
        known.add(7, course(first, last), course(k, k), 0.1)
    found = [known.nearest(7, course(*ends), ONE).moved[0, 0] for ends in [(0.1, 1.1), (0.1, 1.9), (4.0, 1.0)]]
    assert found == [0.0, 1.0, 2.0]


def test_of_equals_the_last_is_found_and_how_far_is_counted_in_sizes() -> None:
    known = Precedents()
    for k in range(3):
        known.add(7, course(0.0, 1.0), course(k, k), 0.1)
    assert known.nearest(7, course(0.0, 1.0), ONE).moved[0, 0] == 2.0
    two = np.vstack([course(0.0, 0.0), course(1e6, 1e6)])
    known.add(8, two, two, 0.1)
    known.add(8, two + np.array([[1.0], [-10.0]]), two + 1.0, 0.2)
    asked = two + np.array([[1.0], [0.0]])
    assert known.nearest(8, asked, np.array([1.0, 1e6])).contraction == 0.2
    assert known.nearest(8, asked, np.array([1e6, 1.0])).contraction == 0.1


def test_few_are_kept_and_all_on_as_many_nodes() -> None:
    known = Precedents()
    for k in range(EACH + 3):
        known.add(7, course(k, k), course(k, k), 0.1)
    assert known.nearest(7, course(0.0, 0.0), ONE).moved[0, 0] == 3.0
    known.add(7, course(9.0, 9.0, 8), course(9.0, 9.0, 8), 0.1)
    assert known.nodes(7) == 8 and known.nearest(7, course(0.0, 0.0, 8), ONE).moved.shape == (1, 8)
    for length in range(100, 100 + LENGTHS):
        known.add(length, course(0.0, 0.0), course(0.0, 0.0), 0.1)
    assert known.nodes(7) is None and known.nodes(100) == 4


def test_a_checkpoint_keeps_them_to_the_last_bit_and_a_copy_goes_its_own_way() -> None:
    known, again = Precedents(), Precedents()
    known.add(7, course(0.1, 1 / 3), course(2 / 3, 0.7), 1e-5 / 3)
    again.restore(json.loads(json.dumps(known.state())))
    assert again.state() == known.state()
    other = known.copy()
    other.add(7, course(0.0, 0.0), course(0.0, 0.0), 0.1)
    assert again.state() == known.state() != other.state()


# --- in a loop that repeats itself -----------------------------------------------------------------------------------

HALF = ns(20.0)
HALVES = 36


def looped(gain: float, since: int = 0) -> Twin:
    """A body that is heated on and off, with a power that falls as it warms; hardly so before the half `since`."""
    line, falls = Timeline("drive.y"), Timeline("falls.y", 1e-9 * gain)
    for k in range(HALVES + 1):
        line.follow(constant(1.0 - 0.9 * (k % 2), k * HALF, (k + 1) * HALF))
    falls.follow(constant(gain, since * HALF))
    parts = {
        "drive": Given(signal=line),
        "falls": Given(signal=falls),
        "fall": Formula(formula=lambda falls, warm: 2.0 - Function(np.exp, falls * warm)),
        "heat": Formula(formula=lambda drive, fall: drive * fall),
        "warm": Lag(tau=15.0),
    }
    wiring = {"fall.a": "falls.y", "fall.b": "warm.y", "heat.a": "drive.y", "heat.b": "fall.y", "warm.u": "heat.y"}
    return Twin(parts, wiring, rehearsal=True)


def warmth(run: Twin) -> NDArray[np.float64]:
    """At the end of each half, solved one after the other."""
    warm = run.signal("warm.y")
    return np.array([warm(np.array([(k + 1) * HALF]))[0] for k in range(HALVES)])


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of sweeps that pieces took."""
    found: list[int] = []
    solve = Relaxation.solve

    def counted(self: Relaxation, q: Any, closed: Piece, rough: bool) -> tuple[Piece | None, int]:
        piece, sweeps = solve(self, q, closed, rough)
        found.append(sweeps)
        return piece, sweeps

    monkeypatch.setattr(Relaxation, "solve", counted)
    return found


@pytest.mark.parametrize(("gain", "since"), [(1e-4, 0), (0.3, 0), (0.1, 10), (1e-3, 11)])
def test_what_repeats_itself_is_solved_at_once_and_to_rounding(
    gain: float, since: int, counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = warmth(looped(gain, since))
    assert len(counts) >= HALVES and max(counts) >= 3 and counts[-2:] == [1, 1]
    monkeypatch.setattr(Precedents, "nodes", lambda self, length: None)  # as if each piece were the first
    assert found == pytest.approx(warmth(looped(gain, since)), rel=3e-15)


def test_a_weak_loop_is_known_to_be_weak(counts: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """One sweep will do where the second would change nothing, if pieces before have told."""
    warmth(looped(1e-4))
    known, alone = list(counts), counts
    alone.clear()
    monkeypatch.setattr("twin.relaxation.CONTRACTION", 1.0)
    warmth(looped(1e-4))
    assert sum(known) <= sum(alone) - 4
