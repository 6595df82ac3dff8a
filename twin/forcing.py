"""The forcing of modes: pieces with one channel for each mode, and what they look like at nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import chebyshev
from twin.piece import Piece
from twin.terms import Term
from twin.times import NS

Array = NDArray[Any]
ROUND_OFF = 4e-15
"""Relative size of a series' tail that is taken for the rounding of its values."""
NOTHING = 1e-12
"""In SI: of states and forcings that are smaller, what is below `ROUND_OFF` of it is rounding of what cancelled."""
ROUNDING = 4e-16
"""Relative size of coefficients that are rounding of the values at the nodes."""
LENGTHS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Few lengths of series, so that few kernels are made."""
FEW = 16
"""Coefficients of which none is worth to be saved."""


def channel_sizes(piece: Piece) -> Array:
    """A bound of the size of each channel."""
    sizes: Array = np.abs(piece.series).sum(axis=0) + np.abs(piece.decays.factors).sum(axis=0)
    for term in piece.terms:
        sizes = sizes + np.abs(term.series).sum(axis=0)
    return sizes


def with_series(piece: Piece, series: Array) -> Piece:
    """A piece with another series, shape (degree + 1, channels), added."""
    total = np.zeros((max(len(series), len(piece.series)), series.shape[1]), dtype=np.result_type(series, piece.series))
    total[: len(piece.series)] += piece.series
    total[: len(series)] += series
    return replace(piece, series=total)


def accumulated(total: Piece | None, form: Piece, weights: Array) -> Piece:
    """Add a one-channel real signal, times `weights`, to the forcing of the modes."""
    series: Array = form.series.real * weights
    terms: list[Term] = []
    for term in form.terms:
        if term.rate.imag == 0:
            terms.append(Term(term.rate, term.series * weights, term.hertz))
        else:
            half = Term(term.rate, 0.5 * term.series, term.hertz)
            terms += [Term(t.rate, t.series * weights, t.hertz) for t in (half, half.conjugate())]
    decays = form.decays.scaled(weights)
    if total is None:
        return Piece(form.start, form.end, form.length, series, tuple(terms), decays)
    return replace(with_series(total, series), terms=(*total.terms, *terms), decays=total.decays.joined(decays))


def channels_at_nodes(piece: Piece, rows: Array, n: int) -> Array:
    """Real combinations of the modes at n nodes, shape (rows, nodes)."""
    tau = (chebyshev.nodes(n) + 1.0) * (0.5 * piece.length / NS)
    total = (chebyshev.vandermonde(n, len(piece.series) - 1) @ (piece.series @ rows.T)).real
    for term in piece.terms:
        wave = np.exp(term.rate * tau)[:, None]
        polynomial = chebyshev.vandermonde(n, len(term.series) - 1) @ (term.series @ rows.T)
        total = total + (wave * polynomial).real
    if piece.decays:
        total = total + piece.decays.growth(tau) @ (piece.decays.factors @ rows.T).real
    at_nodes: Array = total.T
    return at_nodes


def told(series: Array) -> Array:
    """A series without the coefficients at its end that are rounding of the values it was found from."""
    if len(series) <= FEW:
        return series
    needed = len(chebyshev.trimmed(series, ROUNDING))
    return series[: next((n for n in LENGTHS if n >= needed), len(series))]


def is_resolved(series: Array, magnitude: Array) -> bool:
    """Whether the last coefficients of a series are rounding of what it is the sum of, `magnitude` (modes,)."""
    size = np.abs(series)
    tail = size[-max(2, len(series) // 8) :].max(axis=0)
    return bool(np.all(tail <= ROUND_OFF * np.maximum(np.maximum(size.max(axis=0), magnitude), NOTHING)))
