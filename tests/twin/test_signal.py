"""Compositions: values, exact means, quadrature that checks itself, derivatives by the chain rule."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.builders import FULL_SCALE, ns, relative_error, single_group
from twin.composition import Function, Product, Sum, add, multiply, scale
from twin.errors import SimulationError
from twin.fault import FOREVER, FaultSignal, PlannedFault
from twin.field import Field, Shape
from twin.piece import constant, harmonics, polynomial, ramp
from twin.shifted import Delayed, Rate
from twin.signal import Constant, Elapsed, Signal
from twin.timeline import Timeline
from twin.times import NS, Times


def wave(hertz: str = "19/20", amplitude: complex = -1j, offset: float = 0.0) -> Timeline:
    line = Timeline("wave.y")
    line.follow(harmonics(offset, {Fraction(hertz): amplitude}, 0))
    return line


def line_of(*laws: Any) -> Timeline:
    line = Timeline("line.y")
    line.follow(*laws)
    return line


@settings(deadline=None)
@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(0.0, 100.0))
def test_arithmetic_is_that_of_numbers(a: float, b: float, t: float) -> None:
    x, y = line_of(constant(a, 0)), Elapsed()
    for signal, value in (
        (x + y, a + t), (x - y, a - t), (y - 2, t - 2), (2 - y, 2 - t), (3 * x, 3 * a), (x * y, a * t), (-x, -a),
        (x / (y + 1), a / (t + 1)), (b / (y + 1), b / (t + 1)), (x / 4, a / 4), (x + y - y, a), (b + x + 1, a + b + 1),
    ):  # fmt: skip
        assert float(signal(t)) == pytest.approx(value, rel=1e-14, abs=1e-13)


def test_constants_fold_and_sums_merge() -> None:
    x = Elapsed()
    assert isinstance(Constant(2.0) * Constant(3.0) + 1.0, Constant)
    assert isinstance(scale(0.0, x), Constant) and scale(1.0, x) is x and add(x, 0.0) is x
    assert isinstance(x - x, Constant) and float((x - x)(3.0)) == 0.0
    nested = 2 * (x + 1) + 3 * (x - 2)
    assert isinstance(nested, Sum) and nested.parts == ((5.0, x),) and nested.offset == -4.0
    assert isinstance(multiply(x, x), Product) and isinstance(multiply(x, 2.0), Sum)
    assert float((1 / Constant(4.0))(0.0)) == 0.25


def test_what_is_composed_alike_is_the_same_signal() -> None:
    x, y = Elapsed(), wave()
    assert x * y is x * y and 2 * x + y is 2 * x + y and 1 / (x + 1) is 1 / (1 + x)
    assert x * y is not x * Elapsed() and x * y is not y * y and 2 * x is not 3 * x
    assert Function(np.sin, x) is Function(np.sin, x) and Function(np.sin, x) is not Function(np.cos, x)
    assert Function(np.sin, x) is not Function(np.sin, x, slopes=(np.cos,))


def test_what_is_constant_is_folded_where_many_instants_are_asked_for() -> None:
    line, off, on = wave(), line_of(constant(0.0, 0)), line_of(ramp(1.0, 2.0, ns(200), ns(300)))
    off.follow(constant(5.0, ns(100)))
    on.follow(constant(1.0, 0, ns(200)), ramp(1.0, 2.0, ns(200), ns(300)))
    signals = 2 * line + 3 * off + 0.5, off * line, on * line, off * on + 1.0, on * off, on + 0 * line, line + off
    for first in (0, ns(90), ns(190)):  # before, across and after changes
        few = first + np.arange(40) * ns(0.3)
        many = Times(np.repeat(few, 20))
        before = line.at(many).copy()
        for signal in signals:
            assert signal.at(many)[::20] == pytest.approx(signal.at(Times(few)), rel=1e-15, abs=1e-15)
            apart = [float(signal.means(np.array([t]), ns(0.3))[0]) for t in few]
            assert signal.means(few, ns(0.3)) == pytest.approx(apart, rel=1e-13, abs=1e-13)
        assert np.array_equal(line.at(many), before)  # nobody has written to what others look at


def test_means_of_products_against_many_digits() -> None:
    """A current that swings, through a resistance that drifts."""
    current, drift = wave(offset=2.0), 1.0 + 1e-3 * Elapsed()
    power = current * current * drift
    w, unit = 2 * mpmath.pi * 19 / 20, mpmath.mpf(1) / 1000

    def exact(t: Any) -> Any:
        return (2 + mpmath.sin(w * t)) ** 2 * (1 + unit * t)

    for a, b in ((0.0, 0.1), (0.3, 2.0), (10.0, 25.5), (0.5, 0.500001)):
        with mpmath.workdps(30):
            inside = mpmath.quad(exact, mpmath.linspace(a, b, int(2 * (b - a)) + 2)) / (mpmath.mpf(b) - mpmath.mpf(a))
            assert relative_error([power.mean(a, b)], [inside]) <= FULL_SCALE


def test_an_aperture_that_straddles_jumps_is_split() -> None:
    line = line_of(constant(1.0, ns(1)))
    line.follow(constant(2.0, ns(2)))
    squared = line * line
    assert squared.mean(1.5, 2.5) == pytest.approx(2.5, rel=1e-15)
    assert squared.mean(0.0, 4.0) == pytest.approx((0 + 1 + 4 + 4) / 4, rel=1e-15)
    assert squared.mean(1.0, 2.0) == pytest.approx(1.0, rel=1e-15)
    found = squared.means(np.array([[ns(0.7), ns(1)], [ns(1.9), ns(3)]]), NS)
    assert found == pytest.approx(np.array([[0.7, 1.0], [0.1 + 3.6, 4.0]]), rel=1e-14)


def test_many_apertures_over_many_jumps() -> None:
    line = Timeline("x.y")
    for k in range(400):
        line.follow(constant(float(k % 7), k * NS))
    starts = np.arange(0, 390 * NS, 777_777_777)
    found = (line * line).means(starts, ns(2.5))
    levels = (np.arange(400) % 7) ** 2.0
    edges = np.concatenate([[0.0], np.cumsum(levels)])
    t = np.arange(401.0)
    exact = (np.interp((starts + ns(2.5)) / NS, t, edges) - np.interp(starts / NS, t, edges)) / 2.5
    assert found == pytest.approx(exact, abs=36 * FULL_SCALE)


def test_a_mean_that_does_not_converge_is_an_error() -> None:
    rough = Function(lambda x: np.sin(1e6 * x * x), Elapsed())
    with pytest.raises(
        SimulationError, match=r"over 1\.0 s at t = 5\.0 s did not converge; read it with a shorter aperture"
    ):
        rough.mean(5.0, 6.0)
    hidden_jump = Function(lambda x: np.where(x < 0.3217, 0.0, 1.0), Elapsed())
    with pytest.raises(SimulationError, match="did not converge"):
        hidden_jump.mean(0.0, 1.0)


def test_an_aperture_of_zero_gives_values() -> None:
    _, (x,) = single_group(-1.0, [Constant(1.0)])
    for signal in (wave(), wave() * Elapsed(), Rate(wave()), x, x * x, Constant(1.0), Elapsed() + wave()):
        starts = np.array([0, ns(0.3)])
        assert signal.means(starts, 0).tolist() == signal(starts).tolist()


def test_mean_of_means_is_the_mean() -> None:
    _, (x,) = single_group(-0.7, [wave(offset=1.0)])
    for signal in (wave(), x, wave() * x, Elapsed() * x + wave(), Rate(x * wave())):
        parts = signal.means(np.arange(40) * ns(0.25), ns(0.25))
        assert signal.mean(0.0, 10.0) == pytest.approx(parts.mean(), abs=10 * FULL_SCALE)


@settings(deadline=None, max_examples=30)
@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(0, 50), st.floats(1e-6, 5.0))
def test_means_are_linear(a: float, b: float, start: float, width: float) -> None:
    x, y = wave(), wave("3/7", 2.0) * Elapsed()
    both = (a * x + b * y + 1.0).mean(start, start + width)
    assert both == pytest.approx(a * x.mean(start, start + width) + b * y.mean(start, start + width) + 1.0, abs=1e-10)


def test_the_mean_of_a_rate_is_the_difference_quotient() -> None:
    z = line_of(polynomial([0.0, 1e-3, -2e-4], 0, ns(5)), polynomial([0.0, 0.5], ns(5), ns(10)))
    flux = (3.0 + 0.1 * z) * z
    rate = Rate(flux)

    def exact(t: Any) -> Any:
        x = mpmath.mpf(1e-3) * t - mpmath.mpf(2e-4) * t * t
        return (3 + mpmath.mpf(0.1) * x) * x

    with mpmath.workdps(30):
        for starts in (np.arange(8) * ns(0.5), np.arange(4) * ns(1.1), np.array([[0, ns(1)], [ns(2), ns(3)]])):
            width = ns(0.5) if starts.size == 8 else ns(1.0)
            a = [mpmath.mpf(int(s)) / NS for s in starts.ravel()]
            quotients = [(exact(s + mpmath.mpf(width) / NS) - exact(s)) / (mpmath.mpf(width) / NS) for s in a]
            found = rate.means(starts, width)
            assert found.shape == starts.shape
            assert relative_error(found, quotients) <= 10 * FULL_SCALE  # of a difference: 1e-2 in 0.5 s
    assert float(rate(1.0)) == pytest.approx(float(mpmath.diff(exact, 1.0)), rel=1e-12)


def test_contiguous_and_gapped_readings_of_a_rate_agree() -> None:
    rate = Rate(wave() * Elapsed())
    contiguous = rate.means(np.arange(20) * ns(0.1), ns(0.1))
    one_by_one = [float(rate.means(np.array([k * ns(0.1)]), ns(0.1))[0]) for k in range(20)]
    gapped = rate.means(np.arange(0, 20, 2) * ns(0.1), ns(0.1))
    assert contiguous.tolist() == one_by_one and gapped.tolist() == one_by_one[::2]
    burst = rate.means(np.arange(20).reshape(4, 5) * ns(0.1), ns(0.1))
    assert burst.ravel().tolist() == one_by_one


def test_derivatives_by_the_chain_rule() -> None:
    x, t = wave(), Elapsed()
    exp = Function(np.exp, 0.3 * x, slopes=(np.exp,))
    ratio = (x + 2.0) / (1.0 + 0.5 * t)
    two = Function(lambda a, b: a * a * b, x, t, slopes=(lambda a, b: 2 * a * b, lambda a, b: a * a))
    w = 2 * mpmath.pi * 19 / 20
    cases = [
        (x, lambda s: mpmath.sin(w * s)),
        (x * x * t, lambda s: mpmath.sin(w * s) ** 2 * s),
        (exp, lambda s: mpmath.exp(mpmath.mpf(0.3) * mpmath.sin(w * s))),
        (ratio, lambda s: (mpmath.sin(w * s) + 2) / (1 + s / 2)),
        (two, lambda s: mpmath.sin(w * s) ** 2 * s),
        (3.0 * x - 2.0 * t + 1.0, lambda s: 3 * mpmath.sin(w * s) - 2 * s),
        (Constant(3.0), lambda s: mpmath.mpf(3)),
    ]
    with mpmath.workdps(40):
        for signal, value in cases:
            for s in (0.0, 0.37, 12.9):
                exact = mpmath.diff(value, mpmath.mpf(s))
                assert abs(float(signal.derivative()(s)) - exact) <= 1e-12 * (1 + abs(exact))


def test_the_slope_of_a_state_is_what_drives_it() -> None:
    u = line_of(constant(1.0, ns(2)))
    _, (x,) = single_group(-0.5, [u], x0=[3.0])
    slope = x.derivative()
    t = np.array([0, ns(1), ns(2) - 1, ns(2), ns(3)])
    assert slope(t) == pytest.approx(-0.5 * x(t) + u(t), abs=1e-13)
    _, (y,) = single_group(-0.5, [u], x0=[3.0])
    assert y.derivative()(np.array([0, ns(2)])) == pytest.approx([-1.5, 1.0 - 1.5 * np.exp(-1.0)], abs=1e-13)


def test_a_slope_at_the_frontier_belongs_to_the_new_law() -> None:
    u = Timeline("u.y", 0.0)
    group, (x,) = single_group(-1.0, [u])
    group.resolve(ns(2))
    u.follow(constant(5.0, ns(2)))
    assert float(x.derivative()(2.0)) == pytest.approx(5.0, rel=1e-15)


def test_a_function_without_slopes_has_no_derivative() -> None:
    with pytest.raises(SimulationError, match="no closed time derivative; read its mean over an aperture instead"):
        Function(np.sin, Elapsed()).derivative()
    with pytest.raises(SimulationError):
        Function(np.arctan2, Elapsed(), wave(), slopes=(np.cos,)).derivative()


def test_closed_forms_of_sums_and_scaled_products_and_none_of_others() -> None:
    x, level = wave(), line_of(constant(3.0, 0))
    piece = (2.0 * x + level * x - Elapsed() + 1.0).closed_form(ns(1), ns(2))
    assert piece is not None and (piece.start, piece.end) == (ns(1), ns(2))
    from twin.times import Times

    t = np.array([1.0, 1.7])
    assert piece.evaluate(Times.of(t)) == pytest.approx(5 * np.sin(2 * np.pi * 0.95 * t) - t + 1, abs=1e-14)
    assert (x * x).closed_form(0, ns(1)) is None and (x + x * x).closed_form(0, ns(1)) is None


def test_what_is_constant_is_known_to_be() -> None:
    level, x = line_of(constant(3.0, ns(5))), wave()
    assert (2 * level * level + 1.0).constant_over(ns(5), ns(9)) == 19.0
    assert (level * x).constant_over(0, ns(5)) == 0.0 and (level * x).constant_over(ns(4), ns(6)) is None
    assert x.constant_over(0, 5) is None and level.constant_over(ns(4), ns(6)) is None
    cube = Function(lambda a: a**3, level)
    assert cube.constant_over(ns(5), ns(9)) == 27.0 and cube.constant_over(ns(4), ns(6)) is None
    held = (cube * x).closed_form(ns(5), ns(9))
    assert held is not None and Function(np.sin, x).closed_form(ns(5), ns(9)) is None
    assert held.values_at(ns(7))[0].real == pytest.approx(27.0 * float(x(7.0)), rel=1e-14)
    assert (level * x).mean(5.0, 6.0) == pytest.approx(3.0 * x.mean(5.0, 6.0), rel=1e-15)


def test_a_field_at_a_moving_position() -> None:
    shape = Shape(lambda z: 1 + 2 * z, lambda z: z + z * z, lambda z: 2.0 + 0 * z)
    z = line_of(ramp(0.0, 1.0, 0, ns(10)))
    field = Field(shape, 3.0 + 0.0 * Elapsed())
    assert float(field.at(z)(5.0)) == pytest.approx(6.0)
    assert float(field.integral(z)(5.0)) == pytest.approx(2.25)
    assert float(field.integral(z).derivative()(5.0)) == pytest.approx(0.6, rel=1e-14)  # Bl v
    assert float(field.at(z).derivative()(5.0)) == pytest.approx(0.6, rel=1e-14)


def test_signals_are_told_apart_by_identity() -> None:
    a, b = Constant(1.0), Constant(1.0)
    assert a != b and len({a, b}) == 2 and issubclass(Constant, Signal)


# --- delayed ----------------------------------------------------------------------------------------------------------


def test_a_delayed_signal_is_the_same_some_time_later() -> None:

    signal = Elapsed()
    later = Delayed(signal * signal, 3 * NS)
    instants = np.array([5, 7, 11]) * NS
    assert later.at(Times(instants)) == pytest.approx([4.0, 16.0, 64.0], rel=1e-15)
    assert later.derivative().at(Times(instants)) == pytest.approx([4.0, 8.0, 16.0], rel=1e-15)
    assert later.means(instants, 2 * NS) == pytest.approx((signal * signal).means(instants - 3 * NS, 2 * NS), rel=1e-15)


def test_a_delay_moves_breakpoints() -> None:

    step = FaultSignal("x", (PlannedFault("step", 5 * NS, FOREVER, 1.0),))
    later = Delayed(step, 2 * NS)
    assert later.breakpoints(0, 10 * NS) == {7 * NS}
    assert later.constant_over(0, 7 * NS) == 0.0
    assert later.constant_over(6 * NS, 9 * NS) is None
