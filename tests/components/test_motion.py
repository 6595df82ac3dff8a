"""Prescribed motions: flat tops, sweeps and glides."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.motion import flat_top, glide, oscillation, sweeps, travel
from tests.components.bench import path
from twin.piece import Piece
from twin.times import NS

ODD = (1, 3, 5, 7, 9)


def velocity(laws: list[Piece], times: Any) -> Any:
    line = path(*laws, initial=0.0)
    return line.derivative()(times)


def joints(laws: list[Piece]) -> tuple[float, float, float]:
    """Largest jumps of position and velocity, and largest gap in time, from law to law."""
    jumps = []
    for before, after in pairwise(laws):
        end = before.end
        assert end is not None
        ends = [(p.values_at(end)[0].real, p.derivative().values_at(end)[0].real) for p in (before, after)]
        jumps.append((abs(ends[0][0] - ends[1][0]), abs(ends[0][1] - ends[1][1]), abs(end - after.start)))
    position, speed, gap = np.array(jumps).max(axis=0)
    return position, speed, gap


# --- flat tops -------------------------------------------------------------------------------------------------------


def top(amplitudes: tuple[float, ...], orders: tuple[int, ...], phase: Any) -> Any:
    """Velocity at a phase in cycles from the middle of the half cycle."""
    return np.cos(2 * np.pi * np.outer(phase, orders)) @ amplitudes


@pytest.mark.parametrize(("orders", "ripple"), [((1,), 0.29), ((1, 3), 0.06), ((1, 3, 5), 0.014), (ODD, 8e-4)])
def test_more_harmonics_make_a_flatter_top(orders: tuple[int, ...], ripple: float) -> None:
    phase = np.linspace(-0.15, 0.15, 301)  # 60 % of a half cycle, as KBmini
    deviation = np.abs(top(flat_top(orders, 0.6), orders, phase) - 1)
    assert 0.5 * ripple < deviation.max() < ripple


def test_the_top_is_the_least_squares_one_with_more_weight_at_the_ends() -> None:
    phase = 0.15 * np.cos(np.linspace(0, np.pi, 20_001))
    best = np.array(flat_top((1, 3, 5), 0.6))
    sum_of_squares = np.mean((top(tuple(best), (1, 3, 5), phase) - 1) ** 2)
    for k in range(3):
        for step in (-5e-3, 5e-3):
            other = best.copy()
            other[k] += step
            assert np.mean((top(tuple(other), (1, 3, 5), phase) - 1) ** 2) > sum_of_squares


@pytest.mark.parametrize(
    ("orders", "window"), [((), 0.5), ((2,), 0.5), ((1, 1), 0.5), ((-1,), 0.5), ((1,), 0), ((1,), 1)]
)
def test_orders_and_window_that_make_no_flat_top_are_refused(orders: tuple[int, ...], window: float) -> None:
    with pytest.raises(ValueError, match=r"flat-topped velocity needs|flat window must be"):
        flat_top(orders, window)


@settings(deadline=None)
@given(
    st.floats(-0.01, 0.01),
    st.floats(1e-5, 1e-2),
    st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0, 5.0]),
    st.sampled_from([(1,), (1, 3), ODD]),
    st.integers(0, 10**15),
    st.integers(1, 5000),
)
def test_an_oscillation(
    centre: float, v: float, frequency: float, orders: tuple[int, ...], start: int, cycles: int
) -> None:
    (law,) = laws = oscillation(centre, v, frequency, orders, 0.6, start, cycles)
    period = round(NS / frequency)
    assert (law.start, law.end) == (start, start + cycles * period)
    line = path(*laws)
    amplitude = v / (4 * frequency)

    t = start + period * np.arange(16) // 16 + (cycles - 1) * period
    z, speed = line(t), velocity(laws, t)
    assert z.mean() == pytest.approx(centre, abs=1e-12 * amplitude + 1e-15 * abs(centre))
    assert speed[0] == pytest.approx(0.0, abs=1e-9 * v)  # at rest at the lower turning point
    assert z[0] == pytest.approx(z.min(), rel=1e-12)
    assert line(start + cycles * period) == pytest.approx(z[0], abs=1e-12 * amplitude + 1e-15 * abs(centre))
    # Up in the first half, down in the second, the same way.
    assert np.all(speed[1:8] > 0)
    assert speed[8:] == pytest.approx(-speed[:8], abs=1e-9 * v)
    # The velocity in the middle of the window is the one asked for, within the ripple.
    assert speed[4] == pytest.approx(v, rel={1: 0.3, 2: 0.06, 5: 1e-3}[len(orders)])
    # And it is the rate of the position.
    h = period // 2000
    numerical = (line(t[1:-1] + h) - line(t[1:-1] - h)) / (2 * h / NS)
    assert numerical == pytest.approx(speed[1:-1], rel=1e-3, abs=1e-3 * v + 1e-15 * abs(centre) * NS / h)


# --- sweeps ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.floats(-0.05, 0.05),
    st.floats(1e-5, 1e-2),
    st.integers(3, 100),
    st.floats(0.01, 0.49),
    st.integers(0, 10**15),
    st.integers(1, 4),
)
def test_sweeps_are_smooth_symmetric_and_come_back(
    centre: float, v: float, duration: int, share: float, start: int, pairs: int
) -> None:
    acceleration = round(duration * share, 3)
    laws = sweeps(centre, v, float(duration), acceleration, start, pairs)
    assert len(laws) == 6 * pairs
    assert laws[0].start == start
    assert laws[-1].end == start + 2 * pairs * duration * NS
    height = v * (duration - acceleration)
    position, speed, gap = joints(laws)
    assert position < 1e-13 * height + 1e-15 * abs(centre)
    assert speed < 1e-12 * v
    assert gap == 0
    line = path(*laws)
    edges = start + duration * NS * np.arange(2 * pairs + 1)
    turning = line(edges)
    tolerance = 1e-13 * height + 1e-15 * abs(centre)
    assert turning[::2] == pytest.approx(np.full(pairs + 1, centre - height / 2), abs=tolerance)
    assert turning[1::2] == pytest.approx(np.full(pairs, centre + height / 2), abs=tolerance)
    for k in range(2 * pairs):
        t = edges[k] + np.array([0.0, 0.5, 1.0]) * acceleration * NS
        middle = edges[k] + np.linspace(acceleration, duration - acceleration, 5) * NS
        sign = 1 if k % 2 == 0 else -1
        assert velocity(laws, np.rint(t[:2]).astype(np.int64)) == pytest.approx(
            [0.0, sign * v / 2], rel=1e-6, abs=1e-12 * v
        )
        assert velocity(laws, np.rint(middle[1:-1]).astype(np.int64)) == pytest.approx(np.full(3, sign * v), rel=1e-12)
        assert line(int(edges[k] + duration * NS // 2)) == pytest.approx(centre, abs=tolerance + v * 1e-9)


# --- glides ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(-0.05, 0.05), st.floats(1e-6, 0.05), st.integers(1, 1000), st.integers(0, 10**15))
def test_a_glide_goes_from_rest_to_rest(z0: float, distance: float, seconds: int, start: int) -> None:
    end = start + seconds * NS
    (law,) = laws = glide(z0, z0 + distance, start, end)
    assert (law.start, law.end) == (start, end)
    z = [law.values_at(int(t))[0].real for t in np.linspace(start, end, 9)]
    assert z[0] == pytest.approx(z0, abs=1e-15)
    assert z[4] == pytest.approx(z0 + distance / 2, abs=1e-15)
    assert z[-1] == pytest.approx(z0 + distance, abs=1e-15)
    assert np.all(np.diff(z) > 0)
    speed = velocity(laws, np.array([start, start + seconds * NS // 2, end - 1], dtype=np.int64))
    assert speed == pytest.approx([0.0, 1.5 * distance / seconds, 0.0], abs=1e-7 * distance / seconds + 1e-15)


def test_there_is_no_glide_to_where_the_coil_is() -> None:
    assert glide(1e-3, 1e-3, 0, NS) == []


@settings(max_examples=200, deadline=None)
@given(
    st.floats(-0.01, 0.01),
    st.floats(-0.005, 0.005),
    st.floats(-0.01, 0.01),
    st.floats(1e-4, 0.02),
    st.floats(1e-3, 0.1),
)
def test_a_stage_ends_at_rest_where_it_is_sent(z0: float, v0: float, z1: float, fast: float, a: float) -> None:
    laws = travel(z0, v0, z1, fast, a, 7 * NS)
    if not laws:
        assert z0 == z1 and v0 == 0.0
        return
    assert laws[0].start == 7 * NS and all(x.end == y.start for x, y in pairwise(laws))
    position, speed = zip(*((law.values_at, law.derivative().values_at) for law in laws), strict=True)
    assert position[0](laws[0].start)[0].real == pytest.approx(z0, abs=1e-15)
    for k, (before, after) in enumerate(pairwise(laws)):
        assert position[k](before.end)[0].real == pytest.approx(position[k + 1](after.start)[0].real, abs=1e-12)
        assert speed[k](before.end)[0].real == pytest.approx(speed[k + 1](after.start)[0].real, abs=1e-9)
    end = laws[-1].end
    assert end is not None
    assert position[-1](end)[0].real == pytest.approx(z1, abs=1e-12)
    assert speed[-1](end)[0].real == pytest.approx(0.0, abs=1e-9)
    fastest = max(abs(s(t)[0].real) for s, law in zip(speed, laws, strict=True) for t in (law.start, law.end))
    assert fastest <= max(fast, abs(v0)) * (1 + 1e-6) + 1e-9


def test_a_stage_takes_as_long_as_its_limits_ask_for() -> None:
    trapezoid = travel(0.0, 0.0, 0.01, 0.002, 0.004, 0)
    assert len(trapezoid) == 3 and trapezoid[-1].end == round((0.5 + 4.5 + 0.5) * NS)
    triangle = travel(0.0, 0.0, -0.001, 1.0, 0.004, 0)
    assert len(triangle) == 2 and triangle[-1].end == pytest.approx(NS, abs=2)
    assert travel(0.003, 0.0, 0.003, 0.002, 0.004, 0) == []


def test_a_stage_stops_within_its_braking_distance() -> None:
    laws = travel(0.0, 0.002, 0.0005, 0.002, 0.004, 0)
    assert laws[-1].end == NS // 2 and len(laws) == 1
