"""Periodic steady states: what is read returns to where it was; what nobody reads is left alone."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.twin.builders import Formula, Given, Lag, ns
from twin.errors import SimulationError
from twin.piece import Piece, harmonics
from twin.relaxation import Relaxation
from twin.signal import Signal
from twin.timeline import Timeline
from twin.twin import Twin

Array = NDArray[Any]
PERIOD = ns(10.0)


def drive() -> Timeline:
    line = Timeline("drive.y")
    line.follow(harmonics(1.0, {Fraction(1, 10): 0.5}, 0))
    return line


def heated(power: Signal, rise: Signal) -> Signal:
    """A power that grows with what it warms."""
    return power * (1.0 + 1e-3 * rise)


def twin(formula: Callable[[Signal, Signal], Signal] = heated) -> Twin:
    parts = {
        "drive": Given(signal=drive()),
        "heat": Formula(formula=formula),
        "warm": Lag(tau=20.0),
        "unread": Lag(tau=3.0),
    }
    wiring = {"heat.a": "drive.y", "heat.b": "warm.y", "warm.u": "heat.y", "unread.u": "drive.y"}
    return Twin(parts, wiring, rehearsal=True)


def warmth_after_a_period(run: Twin) -> Array:
    return next(group for group in run.assembly.groups if group.name == "warm").modal_state(PERIOD)


def test_it_is_the_state_that_returns() -> None:
    found = twin()
    states = found.periodic_states(PERIOD)
    fresh = twin()
    fresh.start_from(states)
    groups = {group.name: (group, state) for group, state in zip(fresh.assembly.groups, states, strict=True)}
    warm, start = groups["warm"]
    assert warm.modal_state(PERIOD) == pytest.approx(start, rel=1e-12)
    rise = fresh.signal("warm.y")(np.linspace(0.0, 10.0, 4001)[:-1])
    # The mean of the rise is that of the power; the oscillation of the power and that of the rise hardly meet.
    assert rise.mean() == pytest.approx(1.0 / (1.0 - 1e-3), rel=2e-5)


def test_what_nobody_reads_keeps_its_state_and_is_not_solved() -> None:
    found = twin()
    states = found.periodic_states(PERIOD)
    unread = next(k for k, group in enumerate(found.assembly.groups) if group.name == "unread")
    assert states[unread].tolist() == [0.0]
    assert found.assembly.groups[unread].pieces_solved == 0


def test_a_run_begins_with_what_its_rehearsal_has_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of how many nodes a piece needs, and where it leads; to the rounding of what it finds for itself."""
    tried: list[int] = []
    relax = Relaxation._relax

    def counted(self: Relaxation, q: Array, closed: Piece, n: int, *others: Any) -> Any:
        tried.append(n)
        return relax(self, q, closed, n, *others)

    rehearsal = twin()
    states = rehearsal.periodic_states(PERIOD)
    monkeypatch.setattr(Relaxation, "_relax", counted)
    found = []
    for teacher in (None, rehearsal):
        run = twin()
        run.start_from(states, teacher)
        tried.clear()
        found.append(warmth_after_a_period(run))
        assert (len(tried) == 1) == (teacher is rehearsal)
    assert found[1] == pytest.approx(found[0], rel=1e-14)


def test_another_loop_learns_nothing_from_a_rehearsal() -> None:
    """Such as that of a run in which something real takes the place of a part of it."""
    rehearsal = twin()
    states = rehearsal.periodic_states(PERIOD)
    for formula, learns in ((heated, True), (lambda power, rise: power * power, False)):
        run = twin(formula)
        run.start_from(states, rehearsal)
        learnt = [each for group in run.assembly.groups for _, each in group.state()["relaxations"]]
        assert any(each["precedents"] for each in learnt) == learns


def test_a_mode_that_does_not_decay_has_no_periodic_state() -> None:
    parts = {"drive": Given(signal=drive()), "sum": Lag(tau=1e30), "reader": Formula(formula=lambda a, b: a + b)}
    lasting = Twin(parts, {"sum.u": "drive.y", "reader.a": "sum.y"}, rehearsal=True)
    with pytest.raises(SimulationError, match="sum has no periodic steady state"):
        lasting.periodic_states(PERIOD)
