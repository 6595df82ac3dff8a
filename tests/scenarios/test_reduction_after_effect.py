"""The after-effect that the reduction computes: the relaxation of the component, along the motion that was recorded."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.reduction import Certificates
from scenarios.reduction.after_effect import BRAKING, elongation, path, stretched
from scenarios.reduction.recording import Recording, Sweeps, Weighings

TAUS = np.array([3.0, 40.0, 700.0])


def weighings(times: list[float], z: float = 0.0, duration: float = 60.0) -> Weighings:
    n = len(times)
    ones = np.ones(n)
    on = np.arange(n) % 2 == 1
    index = np.arange(n)
    return Weighings(0 * index, index, on, np.array(times), duration * ones, ones, z * ones, ones, ones, ones)


def sweeps(start: float, number: int = 6, v: float = 1e-3, span: float = 60.0, every: float = 90.0) -> Sweeps:
    """Up and down about z = 0, every sweep read for `span` in its middle."""
    way = np.where(np.arange(number) % 2, -1.0, 1.0)[:, None]
    position = way * np.linspace(-0.5, 0.5, 61) * v * span
    time = start + every * (np.arange(number, dtype=np.float64) + 0.5)
    return Sweeps(0, np.zeros((number, 60)), position, time, span / 60)


def recording(w: Weighings, *groups: Sweeps) -> Recording:
    return Recording(w, w, groups, groups, None, None, None, {})


def known(taus: tuple[float, ...], weights: tuple[float, ...] = (), rest: float | None = None) -> Certificates:
    return Certificates(
        1e3,
        9.8,
        after_effect_strength=1.0,
        after_effect_time_constants=taus,
        after_effect_weights=weights,
        after_effect_rest=rest,
    )


@given(
    steps=st.lists(st.floats(0.5, 300.0), min_size=3, max_size=12),
    heights=st.lists(st.floats(-1.0, 1.0), min_size=13, max_size=13),
    first=st.floats(-1.0, 1.0),
)
@settings(max_examples=40, deadline=None)
def test_a_path_of_lines_is_followed_exactly(steps: list[float], heights: list[float], first: float) -> None:
    """x' = (z − x)/τ solved from point to point: x − z + v τ decays, with v the velocity."""
    time = np.concatenate([[0.0], np.cumsum(steps)])
    z = np.array(heights[: len(time)])
    x = z[0] - np.full(3, first)
    expected = []
    for i in range(1, len(time)):
        h, v = time[i] - time[i - 1], (z[i] - z[i - 1]) / (time[i] - time[i - 1])
        x = z[i] - v * TAUS + (x - z[i - 1] + v * TAUS) * np.exp(-h / TAUS)
        expected.append(z[i] - x)
    which = [1, len(time) - 1]
    found = stretched(time, z, time[which], TAUS, first)
    assert found == pytest.approx(np.array(expected)[[i - 1 for i in which]], abs=1e-11)


def test_a_weighing_sees_the_mean_of_what_is_left() -> None:
    w = weighings([100.0, 400.0])
    found = elongation(recording(w), known((50.0, 500.0), (0.7, 0.3), rest=-1e-2))
    for mean, middle in zip(found, (100.0, 400.0), strict=True):
        t = np.linspace(middle - 30, middle + 30, 20001)
        course = 1e-2 * (0.7 * np.exp(-t / 50) + 0.3 * np.exp(-t / 500))
        assert mean == pytest.approx(np.trapezoid(course, t) / 60, rel=1e-7)


def test_nothing_relaxes_where_the_coil_has_always_been() -> None:
    w = weighings([100.0, 400.0], z=3e-3)
    assert np.all(elongation(recording(w), known((50.0,))) == 0.0)
    assert np.all(elongation(recording(w, sweeps(700.0)), known((50.0,))) == 0.0)  # it moves afterwards only
    assert np.all(elongation(recording(w), known((50.0,), rest=3e-3)) == 0.0)


def test_equal_weights_if_none_are_stated() -> None:
    w = weighings([100.0, 400.0])
    stated = elongation(recording(w), known((50.0, 500.0), (0.5, 0.5), rest=-1.0))
    assert elongation(recording(w), known((50.0, 500.0), rest=-1.0)) == pytest.approx(stated)


def test_the_coil_brakes_and_turns_between_sweeps() -> None:
    """15 s at 1 mm/s before each end, of which 5 s braking: 30 mm + 10 mm + 2.5 mm from the middle."""
    w = weighings([100.0, 1000.0])
    time, z = path(w, (sweeps(200.0),), 0.6)
    assert np.all(np.diff(time) >= 0)
    assert pytest.approx(5 / 15) == BRAKING
    assert [z.min(), z.max()] == pytest.approx([-42.5e-3, 42.5e-3])
    for turn in 200.0 + 90.0 * np.arange(7):
        assert abs(np.interp(turn, time, z)) == pytest.approx(42.5e-3)
    assert np.interp([0.0, 130.0, 136.9, 947.1, 1030.0], time, z) == pytest.approx(0.0, abs=1e-15)


def test_a_sweep_that_was_left_out_is_bridged() -> None:
    every = sweeps(200.0)
    keep = np.arange(6) != 3
    less = dataclasses.replace(every, voltage=every.voltage[keep], position=every.position[keep], time=every.time[keep])
    w = weighings([100.0, 1000.0])
    whole, bridged = (elongation(recording(w, group), known((300.0,)))[1] for group in (every, less))
    assert bridged == pytest.approx(whole, rel=0.05)


def test_a_cycle_that_was_left_out_held_the_coil_all_the_same() -> None:
    held = weighings([100.0, 1000.0, 2000.0])
    all_ = recording(held, sweeps(200.0), sweeps(1200.0))
    kept = dataclasses.replace(all_, weighings=held.kept(np.array([True, False, True])))
    certificates = known((300.0,))
    assert elongation(kept, certificates) == pytest.approx(elongation(all_, certificates)[[0, 2]], rel=1e-12)


def test_a_fast_oscillation_acts_with_its_mean() -> None:
    """5 mm above where it weighs for 600 s: the mode follows, and lets go afterwards."""
    group = sweeps(200.0, 1200, 1e-3, 0.3, 0.5)
    group = dataclasses.replace(group, position=group.position + 5e-3)
    w = weighings([100.0, 900.0])
    time, z = path(w, (group,), 2.0)
    oscillating = (time > 205) & (time < 795)
    assert np.ptp(z[oscillating]) < 1e-15 and z[oscillating][0] == pytest.approx(5e-3)
    slow = elongation(recording(w, group), known((1e6,)))[1]
    lifted = 5e-3 * (600.0 + 0.5 * 70.0 + 0.5 * 70.0)
    assert slow == pytest.approx(-lifted / 1e6, rel=1e-2)
