"""Timelines: half-open laws, exact means across them, and events that leave no trace."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.builders import FULL_SCALE, chebyshev_powers, mode_response, ns, relative_error
from twin.errors import SimulationError
from twin.piece import Piece, constant, exact_hertz, harmonics, polynomial, ramp
from twin.terms import Term
from twin.timeline import Timeline
from twin.times import NS

Array = np.ndarray


def stepped() -> Timeline:
    """1 until 10 s, 3 until 20 s, a ramp from 3 to 5 until 30 s, then 5."""
    line = Timeline("source.current", 1.0)
    line.follow(constant(3.0, ns(10)))
    line.follow(ramp(3.0, 5.0, ns(20), ns(30)))
    return line


def test_the_value_at_a_change_belongs_to_the_new_law() -> None:
    line = stepped()
    assert line(np.array([0, ns(10) - 1, ns(10), ns(20), ns(30), ns(99)])).tolist() == [1.0, 1.0, 3.0, 3.0, 5.0, 5.0]
    assert line(np.array([ns(10), 0, ns(25)])).tolist() == [3.0, 1.0, 4.0]  # any order
    assert line(np.array([[ns(10)], [0]])).tolist() == [[3.0], [1.0]]


def test_the_slope_at_a_change_belongs_to_the_new_law() -> None:
    slope = stepped().derivative()
    assert slope(np.array([ns(20) - 1, ns(20), ns(30) - 1, ns(30)])) == pytest.approx([0.0, 0.2, 0.2, 0.0], abs=1e-15)


def test_a_mean_that_ends_at_a_jump_knows_nothing_of_it() -> None:
    line = stepped()
    assert line.mean(9.0, 10.0) == 1.0
    assert line.mean(10.0, 11.0) == 3.0
    assert line.means(np.array([ns(9), ns(9) + 1]), NS).tolist() == pytest.approx([1.0, 1.0 + 2e-9], rel=1e-15)


def test_a_mean_across_a_jump_is_split_exactly() -> None:
    line = stepped()
    assert line.mean(9.75, 10.25) == 2.0
    assert line.mean(5.0, 35.0) == pytest.approx((5 * 1 + 10 * 3 + 10 * 4 + 5 * 5) / 30, rel=1e-15)
    starts = np.array([[ns(8), ns(9.5)], [ns(19.5), ns(29.5)]])
    expected = [[1.0, 2.0], [(0.5 * 3 + 0.5 * 3.05), 0.5 * 4.95 + 0.5 * 5.0]]
    assert line.means(starts, NS) == pytest.approx(np.array(expected), rel=1e-15)


def test_breakpoints_lie_strictly_inside() -> None:
    line = stepped()
    assert line.breakpoints(ns(10), ns(30)) == {ns(20)}
    assert line.breakpoints(ns(10) - 1, ns(30) + 1) == {ns(10), ns(20), ns(30)}
    assert line.breakpoints(ns(11), ns(12)) == set()


def test_means_of_waves_are_exact_over_any_number_of_cycles() -> None:
    line = Timeline("x.y")
    line.follow(
        harmonics(0.1, {exact_hertz(9.0): 1.0 - 0.5j, exact_hertz(0.95): 2.0}, 0, ns(3600)), constant(0.0, ns(3600))
    )
    for start, width in ((0.0, 1e-9), (1.1, 1e-6), (7.7, 0.3), (0.123, 3599.0), (3000.5, 1200.0)):
        a, b = ns(start), ns(start) + ns(width)
        with mpmath.workdps(40):
            inside = mpmath.mpf(min(b, ns(3600)) - a) / NS
            total = mpmath.mpf(0.1) * inside
            for f, c in ((mpmath.mpf(9), 1.0 - 0.5j), (mpmath.mpf("0.95"), 2.0)):
                w = 2j * mpmath.pi * f
                first = mpmath.exp(w * a / NS)
                total += mpmath.re(c * first * mpmath.expm1(w * inside) / w)
            exact = total / (mpmath.mpf(b - a) / NS)
        assert relative_error(line.means(np.array([a]), b - a), [exact], 3.0) <= FULL_SCALE


@settings(deadline=None, max_examples=50)
@given(st.floats(-12.0, 3.0), st.floats(0.0, 1.0), st.floats(0.5, 1.0))
def test_means_of_exponentials_are_exact(size: float, start: float, angle: float) -> None:
    width = NS
    rate = complex(10.0**size * np.exp(1j * np.pi * angle))
    line = Timeline("x.y")
    line.follow(Piece(0, None, NS, np.zeros((1, 1)), (Term(rate, np.array([[1.0 - 1.0j]])),)))
    a = round(start * NS)
    with mpmath.workdps(40):
        z = mpmath.mpmathify(rate)
        exact = mpmath.re((1 - 1j) * mpmath.exp(z * a / NS) * (mpmath.expm1(z) / z))
    assert abs(float(line.means(np.array([a]), width)[0]) - exact) <= FULL_SCALE * 1.5


@pytest.mark.parametrize("rate", [0.0, -0.5, -40.0, complex(-0.01, 3.0), complex(0.0, 60.0)])
@pytest.mark.parametrize("width", [1e-6, 0.01, 1.0, 9.9])
def test_means_of_polynomials_times_exponentials(rate: complex, width: float) -> None:
    series = np.random.default_rng(3).normal(size=(12, 1)) * 0.5 ** np.arange(12)[:, None]
    line = Timeline("x.y")
    line.follow(
        Piece(0, ns(10), ns(10), series, (Term(rate, series[::-1] if rate else series),)), constant(0.0, ns(10))
    )
    starts = np.array([0, ns(0.0437), ns(10) - ns(width)])
    used = (series[::-1] if rate else series)[:, 0]
    with mpmath.workdps(60):
        plain, grown = chebyshev_powers(series[:, 0].tolist(), 10.0), chebyshev_powers(used.tolist(), 10.0)

        def integral(t: Any) -> Any:
            return mode_response(0, 0, [(0, plain)], t) + mpmath.re(mode_response(0, 0, [(rate, grown)], t))

        for a, mean in zip(starts.tolist(), line.means(starts, ns(width)).tolist(), strict=True):
            begin, end = mpmath.mpf(a) / NS, mpmath.mpf(a + ns(width)) / NS
            exact = (integral(end) - integral(begin)) / (end - begin)
            assert abs(mean - exact) <= FULL_SCALE * 3.0


def test_identical_laws_cut_nothing() -> None:
    heard: list[int] = []
    line = Timeline("x.y", 2.0)
    line.track.listeners.append(heard.append)
    for t in range(1000):
        line.follow(constant(2.0, ns(t)))
    assert len(line.track.pieces) == 1 and heard == []
    wave, slope = harmonics(0.0, {Fraction(1): 1.0}, ns(5)), ramp(0.0, 1.0, ns(6), ns(9))
    line.follow(wave)
    line.follow(slope)
    count, pieces = len(heard), list(line.track.pieces)
    line.follow(slope)
    line.follow(ramp(0.0, 1.0, ns(6), ns(9)), constant(1.0, ns(9)))
    line.follow(ramp(0.0, 1.0, ns(6), ns(9)))
    assert len(heard) == count and [id(p) for p in line.track.pieces] == [id(p) for p in pieces]


def test_laws_that_differ_do_cut() -> None:
    line = stepped()
    for law in (constant(5.1, ns(40)), ramp(3.0, 5.0, ns(20), ns(31)), constant(5.0, ns(25)), constant(1.0, ns(3))):
        heard: list[int] = []
        line.track.listeners.append(heard.append)
        line.follow(law)
        assert heard == [law.start] and float(line(np.int64(law.start))) == pytest.approx(law.values_at(law.start)[0])


def test_a_new_law_replaces_what_was_planned() -> None:
    line = stepped()
    line.follow(constant(-1.0, ns(15)))
    assert line(np.array([12.0, 15.0, 25.0, 40.0])).tolist() == [3.0, -1.0, -1.0, -1.0]


def test_laws_adjoin_and_the_last_value_stays() -> None:
    line = Timeline("x.y")
    line.follow(ramp(0.0, 1.0, 0, ns(1)), polynomial([1.0, 1.0], ns(1), ns(3)))
    assert line(np.array([0.5, 2.0, 3.0, 100.0])) == pytest.approx([0.5, 2.0, 3.0, 3.0])
    with pytest.raises(
        SimulationError, match=r"x\.y: a law ends at 1000000000 ns, but the next one starts at 2000000000 ns"
    ):
        line.follow(ramp(0.0, 1.0, 0, ns(1)), constant(1.0, ns(2)))


def test_a_law_without_length_is_a_step() -> None:
    line = Timeline("x.y", 1.0)
    line.follow(ramp(1.0, 4.0, ns(2), ns(2)))
    assert line(np.array([ns(2) - 1, ns(2), ns(3)])).tolist() == [1.0, 4.0, 4.0]
    assert len(line.track.pieces) == 2


def test_history_that_was_dropped_is_an_error_not_a_value() -> None:
    line = stepped()
    line.track.forget_before(ns(20))
    assert float(line(20.0)) == 3.0
    with pytest.raises(SimulationError, match=r"source\.current is not known at t = 5\.0 s"):
        line(5.0)
    with pytest.raises(SimulationError):
        line.mean(19.0, 21.0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 60), st.floats(-5.0, 5.0)), min_size=1, max_size=12), st.integers(1, 40))
def test_means_are_additive(changes: list[tuple[int, float]], parts: int) -> None:
    line = Timeline("x.y")
    for second, value in sorted(changes):
        line.follow(ramp(0.0, value, ns(second), ns(second) + ns(1.5)))
    whole = float(line.means(np.array([0]), ns(parts))[0])
    each = line.means(np.arange(parts) * NS, NS)
    assert whole == pytest.approx(each.mean(), abs=FULL_SCALE * 5.0)
