"""Polynomial forcings one after another, answered at once: sweep after sweep, few lengths and few degrees repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.piece import Piece
from twin.response import Kernel, kernel
from twin.terms import Decays, Term
from twin.times import NS

Array = NDArray[Any]
TERMS = 8
"""Longest series of a forcing that is taken as it is; a longer one may end in rounding, which a response magnifies."""


def is_plain(forcing: Piece) -> bool:
    """Whether a forcing is a short polynomial."""
    return not (forcing.terms or forcing.decays) and len(forcing.series) <= TERMS


def respond_in_turn(rates: tuple[complex, ...], x0: Array, forcings: Sequence[Piece]) -> tuple[list[Piece], Array]:
    """The modes' responses to adjoining plain forcings, and where they lead.

    Parameters
    ----------
    rates : of the modes (1/s); x0 : their values at the start of the first forcing, shape (modes,).
    forcings : each with one channel for each mode, based at its start.

    Returns
    -------
    As `twin.response.respond` for each of them in turn, to rounding; and the modes at the end, shape (modes,).

    Raises
    ------
    UnresolvedError
        If a forcing has too much detail for its length.
    """
    kinds: dict[tuple[int, int], list[int]] = {}
    for k, forcing in enumerate(forcings):
        kinds.setdefault((forcing.length, len(forcing.series)), []).append(k)
    driven: list[Any] = [None] * len(forcings)
    exponents = np.array(rates) if any(complex(rate).imag for rate in rates) else np.array(rates).real
    for (length, n), members in kinds.items():
        found = kernel(rates, length, n)
        series = np.array([forcings[k].series for k in members])
        particular = np.einsum("mrn,snm->srm", found.particular, series)
        initial = np.einsum("mn,snm->sm", found.initial, series)
        growth, final = np.exp(exponents * (length / NS)), particular.sum(axis=1)
        for k, *parts in zip(members, particular, initial, final, strict=True):
            driven[k] = found, growth, *parts
    x, pieces = np.asarray(x0), []
    for forcing, (found, growth, particular, initial, final) in zip(forcings, driven, strict=True):
        rest = x - initial
        pieces.append(_response(rates, forcing, found, particular, rest))
        x = final + growth * rest
    return pieces, x


def _response(rates: tuple[complex, ...], forcing: Piece, found: Kernel, particular: Array, rest: Array) -> Piece:
    terms = tuple(Term(rates[j], np.eye(1, len(rest), j) * rest) for j in found.swinging if rest[j] != 0.0)
    series = particular + found.homogeneous.T * rest
    return Piece(
        forcing.start, forcing.end, forcing.length, np.ascontiguousarray(series), terms,
        Decays(found.falls, found.alone * rest),
    )  # fmt: skip
