"""Instants: integer nanoseconds, with the rest below one kept apart."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.builders import FULL_SCALE
from twin.piece import exact_hertz, harmonics
from twin.signal import Constant, Elapsed
from twin.timeline import Timeline
from twin.times import NS, Times, to_ns

DAY = 86_400


def test_seconds_become_the_nearest_nanosecond() -> None:
    assert to_ns(0.1) == 100_000_000
    assert to_ns(86_400.000_000_001_4) == DAY * NS + 1
    assert to_ns(-0.25) == -250_000_000


@given(st.integers(0, 100 * DAY * NS))
def test_integers_are_nanoseconds(instant: int) -> None:
    times = Times.of(np.array([instant]))
    assert times.ns.tolist() == [instant] and np.all(times.rest == 0.0)


@given(st.floats(0.0, 100.0 * DAY, allow_subnormal=False))
def test_no_part_of_a_float_is_lost(seconds: float) -> None:
    times = Times.of(seconds)
    assert abs(float(times.rest)) <= 0.5000001e-9
    kept = Fraction(int(times.ns), NS) + Fraction(float(times.rest))
    assert abs(kept - Fraction(seconds)) < Fraction(3, 10**16)


def test_offsets_are_not_rounded_to_nanoseconds() -> None:
    times = Times.offset(5 * NS, np.array([0.25e-9, 1.75e-9, 3.0]))
    assert times.ns.tolist() == [5 * NS, 5 * NS + 1, 8 * NS]
    assert times.since(5 * NS) == pytest.approx([0.25e-9, 1.75e-9, 3.0], rel=1e-15, abs=0)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_signals_keep_the_shape_of_the_times(shape: tuple[int, ...]) -> None:
    line = Timeline("x.y", 2.0)
    for signal in (Constant(2.0), Elapsed(), line, 2.0 * line + 1.0, line * Elapsed()):
        assert signal(np.full(shape, 3.0)).shape == shape
        assert signal(np.full(shape, 3, dtype=np.int64)).shape == shape


@pytest.mark.parametrize("hertz", [1.0, 0.95, 9.0, 50.0, 0.1, 1000.0, 0.123456789012, 1 / 3])
def test_phases_hold_over_a_day(hertz: float) -> None:
    line = Timeline("x.y")
    line.follow(harmonics(0.0, {exact_hertz(hertz): 1.0 - 2.0j}, 0))
    instants = np.random.default_rng(7).integers(0, DAY * NS, 200)
    with mpmath.workdps(40):
        f = mpmath.mpf(repr(hertz))
        exact = [mpmath.re((1 - 2j) * mpmath.expjpi(2 * f * int(t) / NS)) for t in instants]
        error = max(abs(mpmath.mpf(float(v)) - e) for v, e in zip(line(instants), exact, strict=True))
    assert error <= FULL_SCALE * np.sqrt(5.0)


def test_a_frequency_is_the_rational_that_its_decimal_form_names() -> None:
    assert exact_hertz(0.95) == Fraction(19, 20)
    assert exact_hertz(1e-20) == Fraction(1, 10**20)


def test_a_phase_reduces_whatever_its_denominator() -> None:
    times = Times.of(np.array([3 * NS, DAY * NS]))
    for hertz in (Fraction(1, 10**20), Fraction(10**9 + 7, 10**12), -Fraction(19, 20)):
        turns = times.turns_since(NS, hertz)
        for value, instant in zip(turns, (3, DAY), strict=True):
            exact = hertz * (instant - 1)
            off = Fraction(float(value)) - exact
            assert abs(off - round(off)) < Fraction(1, 10**14)


def test_what_a_signal_is_at_an_instant_is_found_once() -> None:
    calls = 0

    class Counted(Constant):
        def _evaluate(self, times: Times) -> np.ndarray:
            nonlocal calls
            calls += 1
            return super()._evaluate(times)

    signal = Counted(1.0)
    times = Times.of(np.arange(3.0))
    (signal.at(times), signal.at(times))
    assert calls == 1
