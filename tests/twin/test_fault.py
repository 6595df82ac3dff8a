"""Faults as signals, and what they do to readings."""

from __future__ import annotations

import numpy as np
import pytest

from twin.fault import FOREVER, FaultSignal, PlannedFault, disturbed
from twin.signal import Constant
from twin.times import NS, Times

STEP = PlannedFault("step", 2 * NS, FOREVER, 3.0)
PULSE = PlannedFault("step", 5 * NS, 7 * NS, -1.0)


def test_sizes_of_active_faults_add_up_on_half_open_intervals() -> None:
    signal = FaultSignal("x", (STEP, PULSE))
    instants = np.array([0, 2 * NS - 1, 2 * NS, 5 * NS, 7 * NS - 1, 7 * NS, 10**6 * NS])
    assert signal.at(Times(instants)).tolist() == [0, 0, 3, 2, 2, 3, 3]


def test_a_mean_counts_the_share_of_the_aperture() -> None:
    signal = FaultSignal("x", (STEP, PULSE))
    starts = np.array([0, 1, 4, 6]) * NS
    assert signal.means(starts, 4 * NS) == pytest.approx([3 * 2 / 4, 3 * 3 / 4, 3 - 2 / 4, 3 - 1 / 4], abs=1e-15)


def test_closed_forms_end_at_the_edges() -> None:
    signal = FaultSignal("x", (STEP, PULSE))
    assert signal.breakpoints(0, 10 * NS) == {2 * NS, 5 * NS, 7 * NS}
    assert signal.closed_form(0, 3 * NS) is None
    piece = signal.closed_form(5 * NS, 7 * NS)
    assert piece is not None
    assert piece.values_at(6 * NS)[0].real == 2.0
    assert signal.constant_over(0, 2 * NS) == 0.0


INSTANTS = np.arange(6).reshape(2, 3) * NS


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("drops", [10, 11, np.nan, np.nan, 14, 15]),
        ("dead", [10, 11, np.nan, np.nan, 14, 15]),
        ("zero", [10, 11, 0, 0, 14, 15]),
        ("sticks", [10, 11, 11, 11, 14, 15]),
    ],
)
def test_readings_in_a_fault(kind: str, expected: list[float]) -> None:
    values = np.arange(10.0, 16.0).reshape(2, 3)
    fault = PlannedFault(kind, 2 * NS, 4 * NS, 1.0)
    assert np.array_equal(disturbed(values, INSTANTS, (fault,)).ravel(), expected, equal_nan=True)
    assert values[0, 2] == 12.0  # the truth is left alone


def test_an_instrument_that_is_stuck_shows_what_it_has_shown_before() -> None:
    """In the blocks that follow as well, whatever they are of."""
    fault = PlannedFault("sticks", 0, FOREVER, 1.0)
    values = np.arange(10.0, 16.0).reshape(2, 3)
    assert np.all(disturbed(values, INSTANTS, (fault,), last_shown=3.5) == 3.5)
    assert np.all(disturbed(values, INSTANTS, (fault,)) == 10.0)


def test_without_a_fault_the_readings_are_the_same_object() -> None:
    values = np.ones((2, 3))
    assert disturbed(values, INSTANTS, ()) is values
    assert disturbed(values, INSTANTS, (PlannedFault("dead", 10 * NS, FOREVER, 1.0),)) is values


def test_a_part_has_a_constant_zero_until_a_fault_is_planned() -> None:
    from twin.component import Component

    part = Component()
    signal = part.fault("step")
    assert isinstance(signal, Constant)
    assert signal.value == 0.0
    part.plan_faults([STEP, PlannedFault("other", 0, 1, 1.0)])
    assert part.planned("step") == (STEP,)
    assert isinstance(part.fault("step"), FaultSignal)
