"""Closed-form pieces and the laws made of them."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.builders import FULL_SCALE, ns
from twin import chebyshev
from twin.piece import Piece, combine, constant, growth_degree, harmonics, polynomial, ramp
from twin.terms import Decays, Term
from twin.timeline import piece_means
from twin.times import NS, Times


def at(piece: Piece, *seconds: float) -> np.ndarray:
    return piece.evaluate(Times.of(np.array(seconds)))


def test_laws_say_what_their_names_say() -> None:
    assert at(constant(2.5, 0), 0.0, 1e6).tolist() == [2.5, 2.5]
    assert at(ramp(1.0, 3.0, ns(10), ns(20)), 10.0, 15.0, 20.0) == pytest.approx([1.0, 2.0, 3.0], rel=1e-15)
    cubic = polynomial([1.0, 0.5, 0.0, 2.0], ns(1), ns(3))
    assert at(cubic, 1.0, 2.0, 3.0) == pytest.approx([1.0, 3.5, 18.0], rel=1e-14)
    wave = harmonics(0.5, {Fraction(1, 4): -2.0j}, ns(10))
    assert at(wave, 10.0, 11.0, 12.0, 13.0) == pytest.approx([0.5, 2.5, 0.5, -1.5], abs=1e-15)
    shifted = harmonics(0.0, {Fraction(1, 4): -2.0j}, ns(10), origin=ns(9))
    assert at(shifted, 10.0, 11.0) == pytest.approx([2.0, 0.0], abs=1e-15)


def test_a_ramp_without_length_is_its_final_value() -> None:
    step = ramp(1.0, 3.0, ns(2), ns(2))
    assert step.values_at(ns(2))[0] == 3.0 and (step.start, step.end) == (ns(2), ns(2))


@settings(deadline=None)
@given(
    st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=6),
    st.integers(0, 10**12),
    st.integers(10, 10**12),
    st.floats(-2.0, 0.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
def test_rebasing_changes_no_value(
    series: list[float], start: int, length: int, decay: float, first: float, last: float
) -> None:
    term = Term(decay * NS / length, np.array([[1.0], [0.5]]))
    piece = Piece(start, start + length, length, np.array(series)[:, None], (term,))
    a, b = sorted((start + int(first * (length - 1)), start + int(last * (length - 1))))
    moved = piece.rebased(a, b + 1)
    instants = Times(np.unique(np.linspace(a, b, 7).astype(np.int64)))
    assert moved.evaluate(instants) == pytest.approx(piece.evaluate(instants), abs=FULL_SCALE * 8)
    assert (moved.start, moved.end, moved.length) == (a, b + 1, b + 1 - a)


def test_rebasing_a_wave_keeps_its_phase_exactly_after_a_day() -> None:
    wave = harmonics(0.0, {Fraction(19, 20): 1.0}, 0)
    moved = wave.rebased(ns(86_400.123), ns(86_500))
    t = ns(86_400.123) + np.arange(0, ns(90), 987_654_321)
    with mpmath.workdps(30):
        exact = [float(mpmath.cospi(2 * mpmath.mpf(19) / 20 * int(k) / NS)) for k in t]
    assert np.abs(moved.evaluate(Times(t)) - exact).max() <= FULL_SCALE


def test_derivative_of_polynomials_waves_and_their_products() -> None:
    length = ns(2.0)
    rate = complex(-0.3, 5.0)
    piece = Piece(0, length, length, np.array([[1.0], [2.0], [-0.5]]), (Term(rate, np.array([[0.2j], [1.0], [0.3]])),))
    slope = piece.derivative()

    def value(t: mpmath.mpf) -> mpmath.mpf:
        u = t - 1
        p = [1, u, 2 * u * u - 1]
        poly = 0.2j * p[0] + p[1] + mpmath.mpf(0.3) * p[2]
        return 1 + 2 * u - 0.5 * p[2] + mpmath.re(poly * mpmath.exp(mpmath.mpmathify(rate) * t))

    with mpmath.workdps(40):
        for t in (0.0, 0.3, 1.0, 1.9):
            exact = float(mpmath.diff(value, mpmath.mpf(t)))
            assert at(slope, t)[0] == pytest.approx(exact, abs=10 * FULL_SCALE)


def test_combination_and_projection() -> None:
    start, end = 0, ns(4)
    total = combine([(2.0, ramp(0.0, 1.0, 0, end)), (-1.0, harmonics(1.0, {Fraction(1): 1.0}, 0))], start, end)
    t = np.array([0.0, 0.4, 3.1])
    assert at(total, *t) == pytest.approx(2.0 * t / 4 - 1.0 - np.cos(2 * np.pi * t), abs=1e-14)
    z = complex(-0.1, 3.0)
    pair = Piece(
        0, end, end, np.zeros((1, 2)), (Term(z, np.array([[1.0, 0]])), Term(z.conjugate(), np.array([[0, 1.0]])))
    )
    one = pair.project(np.array([0.5, 0.5]))
    assert len(one.terms) == 1
    assert at(one, *t) == pytest.approx(np.real(np.exp(z * t)), abs=1e-14)


def test_values_of_several_channels() -> None:
    piece = Piece(0, ns(2), ns(2), np.array([[1.0, 0.0], [1.0, 2.0]]), (Term(-1.0, np.array([[0.0, 3.0]])),))
    assert piece.values_at(ns(2)) == pytest.approx([2.0, 2.0 + 3 * np.exp(-2.0)], rel=1e-15)
    assert piece.channels == 2 and not piece.is_constant()
    assert constant(1.0, 0).is_constant() and ramp(1.0, 1.0, 0, 5).is_constant()


def test_decays_are_terms_taken_together() -> None:
    """Whatever is done to a piece, its decays give what they give one by one."""
    end, instants = ns(4), Times.of(np.linspace(0.5, 1.5, 41))
    factors, series = np.array([[1.0, -2.0], [0.3, 0.0], [0.0, 5.0]]), np.array([[1.0, 0.1], [0.5, 0.2]])
    together = Piece(0, end, end, series, decays=Decays(np.array([-0.7, -9.0, 0.2]), factors))
    apart = Piece(0, end, end, series, together.all_terms)
    starts = np.arange(0, ns(3), ns(1) // 3)
    for a, b in ((together, apart), (together.rebased(ns(1) // 3, ns(2)), apart.rebased(ns(1) // 3, ns(2)))):
        assert a.values_at(ns(1)) == pytest.approx(b.values_at(ns(1)), rel=1e-15)
        assert (len(a.terms), len(b.terms), a.is_constant()) == (0, 3, False)
        one, same = (piece.project(np.array([1.0, -0.5])) for piece in (a, b))
        for p, q in ((one, same), (one.derivative(), same.derivative())):
            assert p.evaluate(instants) == pytest.approx(q.evaluate(instants), rel=1e-14)
            assert piece_means(p, starts, 12345) == pytest.approx(piece_means(q, starts, 12345), rel=1e-14)
        sum_, twice = combine([(0.5, one), (1.5, one)], ns(1), ns(2)), combine([(2.0, same)], ns(1), ns(2))
        assert sum_.evaluate(instants.at(slice(20, 41))) == pytest.approx(
            twice.evaluate(instants.at(slice(20, 41))), rel=1e-14
        )


@pytest.mark.parametrize(
    ("decay", "oscillation"), [(0.5, 0), (8, 0), (39, 0), (41, 0), (400, 0), (0, 60), (50, 300), (0, 900)]
)
def test_degree_that_holds_an_exponential(decay: float, oscillation: float) -> None:
    n = growth_degree(float(decay), float(oscillation)) + 1
    u = chebyshev.nodes(n)
    series = chebyshev.interpolation(n) @ np.exp(complex(-decay, oscillation) * (u + 1) / 2)
    points = np.concatenate([np.linspace(-1, 1, 400), -1 + np.geomspace(1e-6, 1, 50)])
    error = chebyshev.evaluate(series, points) - np.exp(complex(-decay, oscillation) * (points + 1) / 2)
    assert np.abs(error).max() < 1e-13 * max(1.0, oscillation / 100)  # the phase itself is a rounded product


@pytest.mark.parametrize("n", [1, 2, 3, 17, 64])
def test_chebyshev_matrices(n: int) -> None:
    series = np.random.default_rng(n).normal(size=n)
    u = np.linspace(-1, 1, 11)
    reference = np.polynomial.chebyshev.Chebyshev(series)
    assert chebyshev.evaluate(series, u) == pytest.approx(reference(u), abs=1e-13)
    assert chebyshev.interpolation(n) @ reference(chebyshev.nodes(n)) == pytest.approx(series, abs=1e-13)
    assert chebyshev.vandermonde(n + 3, n - 1) @ series == pytest.approx(
        reference(chebyshev.nodes(n + 3)), abs=1e-13 * n
    )
    slope = reference.deriv() if n > 1 else (lambda u: 0 * u)
    assert chebyshev.evaluate(chebyshev.differentiation(n) @ series, u) == pytest.approx(slope(u), rel=1e-12, abs=1e-10)
    from_start, to_end = reference.integ(lbnd=-1), reference.integ(lbnd=1)
    assert chebyshev.evaluate(chebyshev.integration(n) @ series, u) == pytest.approx(from_start(u), abs=1e-13)
    assert chebyshev.evaluate(chebyshev.integration_to_end(n) @ series, u) == pytest.approx(to_end(u), abs=1e-13)


def test_trimming_keeps_what_any_channel_needs() -> None:
    series = np.array([[1.0, 1e-12], [0.5, 0.0], [1e-20, 1e-13], [1e-20, 1e-33]])
    assert len(chebyshev.trimmed(series)) == 3
    assert len(chebyshev.trimmed(np.zeros((4, 2)))) == 1
