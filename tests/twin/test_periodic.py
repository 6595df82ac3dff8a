"""Periodic steady states: what is read returns to where it was; what nobody reads is left alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.twin.builders import Formula, Given, Lag, ns
from twin.errors import SimulationError
from twin.piece import harmonics
from twin.signal import Signal
from twin.timeline import Timeline
from twin.twin import Twin

PERIOD = ns(10.0)


def drive() -> Timeline:
    line = Timeline("drive.y")
    line.follow(harmonics(1.0, {Fraction(1, 10): 0.5}, 0))
    return line


def heated(power: Signal, rise: Signal) -> Signal:
    """A power that grows with what it warms."""
    return power * (1.0 + 1e-3 * rise)


def twin() -> Twin:
    parts = {
        "drive": Given(signal=drive()),
        "heat": Formula(formula=heated),
        "warm": Lag(tau=20.0),
        "unread": Lag(tau=3.0),
    }
    wiring = {"heat.a": "drive.y", "heat.b": "warm.y", "warm.u": "heat.y", "unread.u": "drive.y"}
    return Twin(parts, wiring, rehearsal=True)


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


def test_a_mode_that_does_not_decay_has_no_periodic_state() -> None:
    parts = {"drive": Given(signal=drive()), "sum": Lag(tau=1e30), "reader": Formula(formula=lambda a, b: a + b)}
    lasting = Twin(parts, {"sum.u": "drive.y", "reader.a": "sum.y"}, rehearsal=True)
    with pytest.raises(SimulationError, match="sum has no periodic steady state"):
        lasting.periodic_states(PERIOD)
