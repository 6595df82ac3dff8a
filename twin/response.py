"""Responses of linear modes to closed-form pieces, without cancellation.

The textbook response ``x0 e^{λτ} + Σ (e^{λτ} − e^{μτ}) p/(λ − μ)`` loses all digits where λτ is small or λ is close to
μ.
Here a mode that changes little over the piece (|λh| ≤ 8) lives in the Chebyshev series, one that is close to an
exponent of
the input becomes a Chebyshev series times that exponential, and only well separated exponents stay apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import chebyshev
from twin.piece import Piece, growth_degree
from twin.terms import Decays, Term
from twin.times import NS

Array = NDArray[Any]
CLOSE = 8.0
"""Exponents that differ by less than this over a piece are not told apart by exponentials."""
ROWS = 700
"""Longest series in which the layer of a fast mode is resolved."""
MAGNIFIED = 100.0
"""By how much the rounding of an input's highest coefficient may grow in a response."""
SHORT = 4
"""A series this short is not searched for rounding."""
RESONANT = 3e-14
"""Rounding, relative to a mode's scale, that a resonance with a short layer may have."""


class UnresolvedError(ArithmeticError):
    """The input has more detail than a series can answer over this length; a shorter piece has less."""


@dataclass(frozen=True)
class Kernel:
    """What turns the n coefficients of a polynomial input into the responses of modes over a piece of length h.

    Attributes
    ----------
    particular : (modes, rows, n): a solution driven by the input, of any initial value.
    initial : (modes, n): that solution's value at the start.
    homogeneous : (modes, rows): the series of ``e^{λτ}`` for slow modes, zero for the others.
    falls, alone : (decays,), (decays, modes): the rates of real fast modes, whose ``e^{λτ}`` has to be kept as an
        exponential, and for each a row with one at its mode.
    swinging : the other fast modes.
    """

    particular: Array
    initial: Array
    homogeneous: Array
    falls: Array
    alone: Array
    swinging: tuple[int, ...]


def _amplification(n: int, exponent: float) -> float:
    """Bound on how much the exact polynomial solution magnifies the highest coefficient of an n-term input."""
    worst, product = 1.0, 1.0
    for i in range(n - 1):
        product *= ((n - 1) ** 2 - i**2) / (2 * i + 1) / (0.5 * exponent)
        worst = max(worst, product)
    return worst


@lru_cache(maxsize=128)
def kernel(rates: tuple[complex, ...], length: int, n: int) -> Kernel:
    """The kernel of modes with these rates (1/s) over `length` ns for inputs of n coefficients.

    A mode that decays is integrated from the start of the piece, one that grows from its end: the solution that is
    driven
    by the input then never outgrows it.

    Raises
    ------
    UnresolvedError
        If that would magnify rounding, or take too long a series.
    """
    h = length / NS
    z = np.array(rates) * h
    if not z.imag.any():
        z = z.real
    slow = np.abs(z) <= CLOSE
    integrated = slow | np.array([abs(v) > CLOSE and _amplification(n, abs(v)) > MAGNIFIED for v in z], dtype=bool)
    growing = integrated & (z.real > 1.0)
    extra = max(
        [growth_degree(float(np.ceil(abs(v.real))), float(np.ceil(abs(v.imag)))) for v in z[integrated]], default=0
    )
    rows = n + extra
    if rows > ROWS:
        raise UnresolvedError
    particular = np.zeros((len(z), rows, n), dtype=z.dtype)
    homogeneous = np.zeros((len(z), rows), dtype=z.dtype)
    for chosen, s in ((integrated & ~growing, chebyshev.integration), (growing, chebyshev.integration_to_end)):
        if chosen.any():
            matrix = s(rows)[:rows]
            systems = np.eye(rows) - 0.5 * z[chosen, None, None] * matrix
            driven = np.broadcast_to(0.5 * h * matrix[:, :n], (len(systems), rows, n))
            particular[chosen] = np.linalg.solve(systems, driven)
    if slow.any():  # on no more nodes than it needs: more would only add rounding
        few = min(rows, growth_degree(float(np.abs(z[slow]).max()), 0.0))
        growth = np.exp(0.5 * z[slow, None] * (chebyshev.nodes(few) + 1.0))
        homogeneous[slow, :few] = growth @ chebyshev.interpolation(few).T
    d = chebyshev.differentiation(n) * (2.0 / h)
    for k in np.nonzero(~integrated)[0]:
        rate = z[k] / h
        power = -np.eye(n) / rate
        for _ in range(n):
            particular[k, :n] += power
            power = d @ power / rate
    # Of each mode together: what is far below its response to one coefficient does not matter beside the others.
    used = len(chebyshev.trimmed(np.hstack([np.abs(particular).max(axis=2).T, homogeneous.T]), chebyshev.ROUNDING))
    particular, homogeneous = np.ascontiguousarray(particular[:, :used]), homogeneous[:, :used]
    signs = np.where(np.arange(used) % 2 == 0, 1.0, -1.0)
    initial = np.einsum("r,krn->kn", signs, particular)
    initial[integrated & ~growing] = 0.0
    falling, swinging = ~slow & (z.imag == 0.0), np.flatnonzero(~slow & (z.imag != 0.0)).tolist()
    falls = np.array(rates).real[falling]
    return Kernel(particular, initial, homogeneous, falls, np.eye(len(z))[falling], tuple(swinging))


@lru_cache(maxsize=64)
def nodal_response(rates: tuple[complex, ...], length: int, n: int) -> Array:
    """Matrices (modes, n, n) from an input's values at the n Chebyshev nodes to the modes' response there, from rest.

    Raises
    ------
    UnresolvedError
        As `kernel`.
    """
    k = kernel(rates, length, n)
    to_series = chebyshev.interpolation(n)
    decay = decay_at_nodes(rates, length, n)
    driven = chebyshev.vandermonde(n, k.particular.shape[1] - 1) @ k.particular
    result: Array = (driven - decay[:, :, None] * k.initial[:, None, :]) @ to_series
    return result


@lru_cache(maxsize=64)
def decay_at_nodes(rates: tuple[complex, ...], length: int, n: int) -> Array:
    """``exp(rate τ)`` at the n Chebyshev nodes over `length` ns, shape (modes, n)."""
    tau = (chebyshev.nodes(n) + 1.0) * (0.5 * length / NS)
    result: Array = np.exp(np.multiply.outer(np.array(rates), tau))
    return result


def respond(rates: tuple[complex, ...], x0: Array, inputs: Piece) -> Piece:
    """The modes' responses ``dx/dt = rate x + input`` to a piece with one channel for each mode.

    Parameters
    ----------
    rates : of the modes (1/s); x0 : their values at the start of the piece, shape (modes,).
    inputs : based at its start (`length` is its duration); its value counts as it stands, not its real part.

    Returns
    -------
    A piece with one channel for each mode, complex if any mode is.

    Raises
    ------
    UnresolvedError
        If the input has too much detail for the piece's length.
    """
    start, length = inputs.start, inputs.length
    h = length / NS
    source, apart = _absorb_slow_terms(inputs, h)
    if len(source) > SHORT:
        source = chebyshev.trimmed(source, chebyshev.ROUNDING)
    k = kernel(rates, length, source.shape[0])
    columns = source.T[:, :, None]
    rest = x0 - (k.initial[:, None, :] @ columns)[:, 0, 0]
    terms: list[Term] = []
    for term in apart:
        gaps = term.rate - np.array(rates)
        if len(term.series) == 1 and (np.abs(gaps) * h > CLOSE).all():  # far from all modes
            response = Term(term.rate, term.series / gaps, term.hertz)
            left = response.series[0]
        else:
            _check_resonance(rates, term, h, x0, source)
            response, left = _respond_to_term(rates, term, length)
        terms.append(response)
        rest = rest - left
    series = (k.particular @ columns)[:, :, 0] + k.homogeneous * rest[:, None]
    terms += [Term(rates[j], np.eye(1, len(rest), j) * rest) for j in k.swinging if rest[j] != 0.0]
    # One memory order, so that a restored piece gives the same bits: products sum in the order of memory.
    return Piece(
        start, inputs.end, length, np.ascontiguousarray(series.T), tuple(terms), Decays(k.falls, k.alone * rest)
    )


def _absorb_slow_terms(inputs: Piece, h: float) -> tuple[Array, list[Term]]:
    """Exponentials that change little over the piece become part of its series; the others are returned."""
    source, apart = inputs.series, []
    for term in inputs.all_terms:
        if abs(term.rate) * h > CLOSE:
            apart.append(term)
            continue
        rows = term.series.shape[0] + growth_degree(float(np.ceil(abs(term.rate) * h)), 0.0)
        u = chebyshev.nodes(rows)
        wave = np.exp(term.rate * (0.5 * h) * (u + 1.0))
        values = chebyshev.vandermonde(rows, term.series.shape[0] - 1) @ term.series
        grown = chebyshev.interpolation(rows) @ (values * wave[:, None])
        total = np.zeros((max(rows, source.shape[0]), source.shape[1]), dtype=np.result_type(source, grown))
        total[: source.shape[0]] += source
        total[:rows] += grown
        source = total
    return source, apart


def _check_resonance(rates: tuple[complex, ...], term: Term, h: float, x0: Array, source: Array) -> None:
    """Refuse a layer that is much shorter than the piece and in resonance with a mode whose scale is no larger.

    The response ``τ e^{μτ}`` peaks at ``τ = 1/|μ|``; its series over all of h has the rounding of ``h e^{μτ}``.
    """
    speed = np.maximum(np.abs(np.array(rates)), 1.0 / h)
    scale = np.maximum(np.abs(x0), np.abs(source).max(axis=0) / speed)
    size, close = np.abs(term.series).max(axis=0), np.abs(np.array(rates) - term.rate) * h <= CLOSE
    peak = size / (np.e * max(-complex(term.rate).real, 1.0 / h))
    if np.any(close & (np.finfo(float).eps * size * h > RESONANT * np.maximum(scale, peak))):
        raise UnresolvedError


def _respond_to_term(rates: tuple[complex, ...], term: Term, length: int) -> tuple[Term, Array]:
    """The particular response to ``p e^{μτ}``, and its value at the start for each mode."""
    shifted = tuple(rate - term.rate for rate in rates)
    source = chebyshev.trimmed(term.series, chebyshev.ROUNDING)
    k = kernel(shifted, length, len(source))
    series = np.einsum("krn,nk->rk", k.particular, source)
    return Term(term.rate, series, term.hertz), np.einsum("kn,nk->k", k.initial, source)
