"""Modal coordinates of a linear system: where its states move on their own.

A system with well separated eigenvectors is diagonalised; eigenvalues and eigenvectors are refined in extended
precision, so that the slow modes of a stiff system keep their relative accuracy. A defective or nearly defective one
is brought to triangular (Schur) form and solved mode after mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.piece import Piece
from twin.response import decay_at_nodes, nodal_response, respond
from twin.terms import Term

Array = NDArray[Any]
WELL_CONDITIONED = 1e3


@dataclass(frozen=True)
class Modes:
    """``x = to_states @ q``, ``q = to_modes @ x`` and ``dq/dt = (diag(rates) + coupling) q + to_modes @ forcing``.

    Attributes
    ----------
    rates : of the modes (1/s).
    to_states, to_modes : (n, n).
    coupling : strictly upper triangular (n, n), or None for independent modes.
    """

    rates: tuple[complex, ...]
    to_states: Array
    to_modes: Array
    coupling: Array | None = None

    def respond(self, q0: Array, forcing: Piece) -> Piece:
        """The modes' motion from `q0` under `forcing` (one channel for each mode)."""
        if self.coupling is None:
            return respond(self.rates, q0, forcing)
        done: list[Piece] = []
        for k in reversed(range(len(self.rates))):
            series, terms = forcing.series[:, k : k + 1], [_channel(t, k) for t in forcing.all_terms]
            for j, other in enumerate(reversed(done), start=k + 1):
                factor = self.coupling[k, j]
                series = _sum(series, factor * other.series)
                terms += [Term(t.rate, factor * t.series, t.hertz) for t in other.all_terms]
            one = Piece(forcing.start, forcing.end, forcing.length, series, tuple(terms))
            done.append(respond((self.rates[k],), q0[k : k + 1], one))
        return _stacked(done[::-1])

    def nodal_response(self, length: int, n: int) -> Array | None:
        """Matrices (modes, n, n) from a forcing at n nodes over `length` ns to the motion there; None for coupled
        modes."""
        return nodal_response(self.rates, length, n) if self.coupling is None else None

    def decay(self, length: int, n: int) -> Array | None:
        """What is left of each mode at n nodes over `length` ns, shape (modes, n); None for coupled modes."""
        return decay_at_nodes(self.rates, length, n) if self.coupling is None else None


def decompose(a: Array) -> Modes:
    """The modes of ``dx/dt = a x``; `a` may be in extended precision. Asked again for the same, it gives the same."""
    clean = np.zeros_like(a)
    clean += a  # extended precision has bytes that mean nothing
    return _decomposed(clean.tobytes(), clean.dtype.str, len(clean))


@lru_cache(maxsize=16)
def _decomposed(numbers: bytes, dtype: str, n: int) -> Modes:
    a = np.frombuffer(numbers, dtype=dtype).reshape(n, n)
    if n == 0:
        return Modes((), np.zeros((0, 0)), np.zeros((0, 0)))
    double = np.asarray(a, dtype=float)
    scale = np.abs(double).max()
    if scale == 0.0:
        return Modes((0.0,) * n, np.eye(n), np.eye(n))
    for size in (np.ones(n), _balance(double)):
        values, vectors = np.linalg.eig(double / size[:, None] * size)
        if np.linalg.cond(vectors) <= WELL_CONDITIONED:
            values, vectors, inverse = _refined(a / size[:, None] * size, values, vectors)
            vectors, inverse = vectors * size[:, None], inverse / size
            rebuilt, cancelling = (vectors * values) @ inverse, np.abs(vectors) @ np.abs(inverse)
            if np.abs(rebuilt - double).max() <= 1e-12 * scale and cancelling.max() <= WELL_CONDITIONED:
                if not np.any(values.imag):
                    values, vectors, inverse = values.real, vectors.real, inverse.real
                return Modes(tuple(values.tolist()), vectors, inverse)
    from scipy.linalg import schur

    triangular, unitary = schur(double, output="complex")
    rates = tuple(complex(r) for r in np.diag(triangular))
    return Modes(rates, unitary, unitary.conj().T, np.triu(triangular, 1))


def _balance(a: Array) -> Array:
    """Powers of two by which to scale the states so that rows and columns of `a` are alike (Parlett and Reinsch 1969).

    Heat capacities of many decades would look like a defect otherwise. The range is bounded, so that a true defect is
    not scaled out of sight.
    """
    size, off = np.ones(len(a)), np.abs(a)
    np.fill_diagonal(off, 0.0)
    for _ in range(20):
        before = size.copy()
        for i in range(len(a)):
            row, column = off[i] @ size / size[i], off[:, i] @ (1.0 / size) * size[i]
            if row > 0.0 and column > 0.0:
                size[i] *= 2.0 ** np.rint(np.clip(0.5 * (np.log2(row) - np.log2(column)), -40, 40))
                size[i] = min(max(size[i], 2.0**-20), 2.0**20)
        if np.array_equal(size, before):
            break
    return size


def _refined(a: Array, values: Array, vectors: Array) -> tuple[Array, Array, Array]:
    """Two Newton steps on the eigenpairs in extended precision (where the machine has it; harmless elsewhere)."""
    wide = np.clongdouble if np.iscomplexobj(values) else np.longdouble
    exact, v = np.asarray(a, dtype=wide), vectors.astype(wide)
    inverse = np.linalg.inv(vectors).astype(wide)
    lam = values.astype(wide)
    eye = np.eye(len(a), dtype=wide)
    for _ in range(2):
        inverse = inverse @ (2 * eye - v @ inverse)
        inner = inverse @ (exact @ v)
        lam = np.diag(inner).copy()
        gaps = lam[None, :] - lam[:, None]
        close = np.abs(gaps) < 1e-8 * np.abs(lam).max()
        mixing = np.where(close, 0.0, inner / np.where(close, 1.0, gaps))
        v = v + v @ mixing
    inverse = inverse @ (2 * eye - v @ inverse)
    narrow = complex if wide is np.clongdouble else float
    return lam.astype(narrow), v.astype(narrow), inverse.astype(narrow)


def _channel(term: Term, k: int) -> Term:
    return Term(term.rate, term.series[:, k : k + 1], term.hertz)


def _sum(a: Array, b: Array) -> Array:
    total = np.zeros((max(len(a), len(b)), a.shape[1]), dtype=np.result_type(a, b))
    total[: len(a)] += a
    total[: len(b)] += b
    return total


def _stacked(pieces: list[Piece]) -> Piece:
    """One-channel pieces of the same stretch as the channels of one piece."""
    n, rows = len(pieces), max(len(p.series) for p in pieces)
    series = np.zeros((rows, n), dtype=complex)
    terms: list[Term] = []
    for k, piece in enumerate(pieces):
        series[: len(piece.series), k] = piece.series[:, 0]
        for term in piece.all_terms:
            wide = np.zeros((len(term.series), n), dtype=complex)
            wide[:, k] = term.series[:, 0]
            terms.append(Term(term.rate, wide, term.hertz))
    first = pieces[0]
    return Piece(first.start, first.end, first.length, series, tuple(terms))
