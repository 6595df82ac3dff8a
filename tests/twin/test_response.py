"""Responses of single modes to closed forms against 40 digits, from λτ = 1e-12 to 1e3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.builders import FULL_SCALE, chebyshev_powers, mode_response, ns, relative_error
from twin.piece import Piece, constant, harmonics, polynomial, ramp
from twin.response import UnresolvedError, kernel, respond
from twin.terms import TWO_PI, Term
from twin.times import NS

H = 10.0
L = ns(H)
EXPONENTS = [1e-12, 1e-9, 1e-6, 1e-3, 0.1, 1.0, 7.999, 8.0, 8.001, 20.0, 100.0, 499.0, 1e3]
COEFFICIENTS = [1.0, -0.2, 0.3, 0.01, -0.002]


@pytest.fixture(autouse=True)
def _forty_digits() -> Any:
    with mpmath.workdps(40):
        yield


def exponential(rate: complex, amplitude: complex = 1.5, length: int = L) -> Piece:
    return Piece(0, length, length, np.zeros((1, 1)), (Term(rate, np.array([[amplitude]])),))


def error(rate: complex, x0: float, piece: Piece, parts: Sequence[tuple[complex, Sequence[complex]]]) -> float:
    """Worst deviation on a grid, fine near the start where fast modes move, relative to the full scale of x."""
    x = respond((rate,), np.array([x0]), piece)
    h = piece.length
    near = (h * np.geomspace(1e-5, 1.0, 13)).astype(np.int64)
    instants = np.unique(np.concatenate([[0, h], near, np.linspace(0, h, 7).astype(np.int64)]))
    found = [complex(x.values_at(int(t))[0]) for t in instants]
    exact = [mode_response(rate, x0, parts, mpmath.mpf(int(t)) / NS) for t in instants]
    return relative_error(found, exact)


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("sign", [-1, -0.6 + 0.8j, 1j])
def test_constants_ramps_and_polynomials(exponent: float, sign: complex) -> None:
    rate = sign * exponent / H
    assert error(rate, 1.0, constant(2.0, 0, L), [(0, [2.0])]) <= FULL_SCALE
    assert error(rate, 0.0, ramp(0.0, 3.0, 0, L), [(0, [0.0, mpmath.mpf(3) / 10])]) <= FULL_SCALE
    assert error(rate, -1.0, polynomial(COEFFICIENTS, 0, L), [(0, COEFFICIENTS)]) <= FULL_SCALE


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("other", [1e-9, 0.5, 5.0, 9.0, 50.0, 1e3])
def test_exponentials(exponent: float, other: float) -> None:
    rate, mu = -exponent / H, -other / H
    assert error(rate, 1.0, exponential(mu), [(mu, [1.5])]) <= FULL_SCALE


@pytest.mark.parametrize("exponent", [e for e in EXPONENTS if e < 50.0])
@pytest.mark.parametrize("detuning", [0.0, 1e-15, 1e-12, 1e-6, 1e-2])
def test_coinciding_exponents(exponent: float, detuning: float) -> None:
    rate = -exponent / H
    mu = rate * (1.0 + detuning)
    assert error(rate, 0.0, exponential(mu), [(mu, [1.5])]) <= FULL_SCALE


@pytest.mark.parametrize("exponent", [100.0, 499.0, 1e3, 1e5])
def test_a_resonance_with_a_layer_much_shorter_than_the_piece_is_left_to_shorter_pieces(exponent: float) -> None:
    with pytest.raises(UnresolvedError):
        respond((-exponent / H,), np.zeros(1), exponential(-exponent / H))
    respond((-exponent / H,), np.array([1e4]), exponential(-exponent / H, amplitude=1e-12))  # unless nobody can see it


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("hertz", [1e-6, 0.01, 0.95, 9.0])
def test_harmonics(exponent: float, hertz: float) -> None:
    from twin.piece import exact_hertz

    rate, wave = -exponent / H, harmonics(0.5, {exact_hertz(hertz): 2.0 - 1.0j}, 0, L)
    # The piece as it stands, complex: the group takes the half of it and its conjugate.
    omega = 2 * mpmath.pi * mpmath.mpf(repr(hertz)) * 1j
    assert error(rate, 1.0, wave, [(0, [0.5]), (omega, [2.0 - 1.0j])]) <= FULL_SCALE


@pytest.mark.parametrize("cycles", [0.5, 3.0, 40.0, 150.0])
@pytest.mark.parametrize("detuning", [0.0, 1e-9, 1e-3, 0.3])
def test_an_undamped_oscillator_in_and_near_resonance(cycles: float, detuning: float) -> None:
    rate = 1j * TWO_PI * cycles / H
    mu = rate * (1 + detuning)
    assert error(rate, 1.0, exponential(mu), [(mu, [1.5])]) <= FULL_SCALE


@settings(deadline=None, max_examples=60)
@given(
    size=st.floats(-12.0, 3.0),
    angle=st.floats(0.5, 1.0),
    seconds=st.floats(-6.0, 5.0),
    x0=st.floats(-1.0, 1.0, allow_subnormal=False),
    powers=st.lists(st.floats(-1.0, 1.0, allow_subnormal=False), min_size=1, max_size=5),
)
def test_any_mode_length_and_polynomial(
    size: float, angle: float, seconds: float, x0: float, powers: list[float]
) -> None:
    length = max(ns(10.0**seconds), 1000)
    h = length / NS
    z = 10.0**size * np.exp(1j * np.pi * angle)
    rate = complex(min(z.real, 0.0), z.imag) / h
    scaled = [c / h**k for k, c in enumerate(powers)]
    piece = polynomial(scaled, 0, length)
    scale = abs(x0) + sum(map(abs, powers)) * h / max(1.0, abs(z))  # before cancellation, if any
    found = respond((rate,), np.array([x0]), piece)
    for part in (0.0, 0.01, 0.37, 1.0):
        at = round(part * length)
        exact = mode_response(rate, x0, [(0, scaled)], mpmath.mpf(at) / NS)
        assert abs(mpmath.mpmathify(complex(found.values_at(at)[0])) - exact) <= FULL_SCALE * scale


@settings(deadline=None, max_examples=60)
@given(size=st.floats(-12.0, 3.0), other=st.floats(-12.0, 3.0), near=st.one_of(st.none(), st.floats(-16.0, -1.0)))
def test_any_two_exponents(size: float, other: float, near: float | None) -> None:
    rate = -(10.0**size) / H
    mu = -(10.0**other) / H if near is None else rate * (1.0 + 10.0**near)
    x0 = 0.0 if abs(rate - mu) * H > 8.0 or abs(mu) * H < 50.0 else 1.5
    assert error(rate, x0, exponential(mu), [(mu, [1.5])]) <= FULL_SCALE


@pytest.mark.nightly
@settings(deadline=None, max_examples=2000)
@given(size=st.floats(-12.0, 3.0), other=st.floats(-12.0, 3.0), angle=st.floats(0.5, 1.0), turned=st.floats(0.5, 1.0))
def test_any_two_complex_exponents(size: float, other: float, angle: float, turned: float) -> None:
    rate = 10.0**size * complex(np.cos(np.pi * angle), np.sin(np.pi * angle)) / H
    mu = 10.0**other * complex(np.cos(np.pi * turned), np.sin(np.pi * turned)) / H
    assert error(rate, 1.0, exponential(mu), [(mu, [1.5])]) <= FULL_SCALE


@pytest.mark.parametrize("exponent", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("shift", [-100.0, -20.0, -3.0, 0.0, 3.0, 20.0, 50.0, 100.0, 300.0])
def test_polynomial_times_exponential_as_chains_of_equal_stages_make_them(exponent: float, shift: float) -> None:
    """A mode that outlives the input's exponential must not be integrated along with its growth relative to it."""
    rate, mu = -exponent / H, -max(exponent + shift, 0.0) / H
    series = np.random.default_rng(1).normal(size=24) * 0.5 ** np.arange(24)
    piece = Piece(0, L, L, np.zeros((1, 1)), (Term(mu, series[:, None]),))
    with mpmath.workdps(70):
        assert error(rate, 0.0, piece, [(mu, chebyshev_powers(series.tolist(), H))]) <= FULL_SCALE


FAST = [(e, a) for e in (50.0, 400.0, 800.0, 3000.0, 1e4) for a in (0.0, 0.3) if (e, a) != (3000.0, 0.3)]


@pytest.mark.parametrize(("exponent", "angle"), FAST)
def test_fast_modes_do_not_magnify_the_rounding_of_a_long_series(exponent: float, angle: float) -> None:
    """The exact polynomial solution would magnify the last of 128 coefficients by up to 1e30."""
    rate = exponent * complex(-np.cos(angle), np.sin(angle)) / H
    u = np.linspace(0.0, L, 7)[1:-1].astype(np.int64)
    from twin import chebyshev

    values = np.sin(9.0 * (chebyshev.nodes(128) + 1.0))
    series = chebyshev.interpolation(128) @ values
    x = respond((rate,), np.array([0.0]), Piece(0, L, L, series[:, None]))
    omega = mpmath.mpf(18) / 10  # sin(9 (u + 1)) = sin(18 τ/h)
    parts = [(omega * 1j, [-0.5j]), (-omega * 1j, [0.5j])]
    exact = [mode_response(rate, 0, parts, mpmath.mpf(int(t)) / NS) for t in u]
    found = [complex(x.values_at(int(t))[0]) for t in u]
    assert relative_error(found, exact) <= FULL_SCALE


def test_an_input_with_more_detail_than_a_series_holds_is_refused() -> None:
    with pytest.raises(UnresolvedError):
        kernel((3000j,), L, 1000)
    with pytest.raises(UnresolvedError):  # its layer is too long a series; a group takes half the piece instead
        kernel((3000.0 * complex(-np.cos(0.3), np.sin(0.3)) / H,), L, 128)


def test_several_modes_share_a_piece() -> None:
    rates = (-1e-13, -1.0, -1e3, complex(-0.1, 5.0))
    drive = np.array([[1.0, 2.0, -3.0, 0.5]])
    x = respond(rates, np.arange(4.0), Piece(0, L, L, drive))
    for t in (0, L // 7, L):
        for k, rate in enumerate(rates):
            exact = mode_response(rate, k, [(0, [drive[0, k]])], mpmath.mpf(t) / NS)
            scale = k + abs(drive[0, k]) / max(abs(rate), 1 / H)
            assert abs(mpmath.mpmathify(complex(x.values_at(t)[k])) - exact) <= FULL_SCALE * scale
