"""Means over apertures by quadrature, with an error check, for signals without a closed antiderivative."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin import chebyshev
from twin.errors import SimulationError
from twin.terms import values_of_series
from twin.times import NS, Times, stretch, within

if TYPE_CHECKING:
    from twin.signal import Signal

Array = NDArray[np.float64]
TOLERANCE = 1e-14
SPAN = 100_000
"""Instants evaluated at once, which bounds the memory of a long block."""
MANY = 64
"""So many apertures are worth an expansion of the signal over all of them."""
RESOLVED = 4e-15
CHUNK = SPAN // 16
"""Apertures worked on together."""


@lru_cache(maxsize=16)
def gauss(n: int) -> tuple[Array, Array]:
    """Nodes in (0, 1) and weights of the n-point Gauss-Legendre rule, weights summing to one."""
    x, w = np.polynomial.legendre.leggauss(n)
    return 0.5 * (x + 1.0), 0.5 * w


def means_by_quadrature(signal: Signal, starts: NDArray[np.int64], aperture: int) -> Array:
    """Means over [start, start + aperture) by Gauss rules of rising order.

    Apertures that a breakpoint cuts are split there. Convergence means that two orders agree to 1e-14 of the largest
    mean of the magnitude in the block.

    Raises
    ------
    SimulationError
        If 256 nodes, on up to 1024 parts of the aperture, do not suffice.
    """
    flat = starts.ravel()
    cuts = np.array(sorted(signal.breakpoints(int(flat.min()), int(flat.max()) + aperture)), dtype=np.int64)
    if not len(cuts):
        chunks = [_smooth_means(signal, flat[i : i + CHUNK], aperture, True) for i in range(0, len(flat), CHUNK)]
        return np.concatenate(chunks).reshape(starts.shape)
    before = np.searchsorted(cuts, flat, side="right")
    parts = np.searchsorted(cuts, flat + aperture, side="left") - before + 1
    owner = np.repeat(np.arange(len(flat)), parts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)  # of a part within its aperture
    fences = np.concatenate([[0], cuts, [0]])
    begin = np.where(number == 0, flat[owner], fences[before[owner] + number])
    end = np.where(number == parts[owner] - 1, flat[owner] + aperture, fences[before[owner] + number + 1])
    weighted = np.empty(len(owner))
    for width in np.unique(end - begin).tolist():
        indices = np.nonzero(end - begin == width)[0]
        for chunk in np.split(indices, range(CHUNK, len(indices), CHUNK)):
            weighted[chunk] = _smooth_means(signal, begin[chunk], width, False) * (width / aperture)
    means: Array = np.bincount(owner, weighted, len(flat)).astype(float)
    return means.reshape(starts.shape)


def _smooth_means(signal: Signal, starts: NDArray[np.int64], aperture: int, unbroken: bool) -> Array:
    """Of apertures without a breakpoint; `unbroken`: there is none between them either."""
    if len(starts) >= MANY and (unbroken or not signal.breakpoints(int(starts.min()), int(starts.max()) + aperture)):
        means = _means_of_series(signal, starts, aperture)
        if means is not None:
            return means
    return _refined_means(signal, starts, aperture)


def _means_of_series(signal: Signal, starts: NDArray[np.int64], aperture: int) -> Array | None:
    """Means of a Chebyshev series for the whole stretch, if a short one holds the signal to round-off."""
    first, last = int(starts.min()), int(starts.max()) + aperture
    for n in (32, 64):
        at_nodes = signal.at(stretch(first, last, n))
        series = chebyshev.interpolation(n) @ at_nodes
        if np.abs(series[-n // 8 :]).max() <= RESOLVED * np.abs(at_nodes).max():
            break
    else:
        return None
    coefficients = _averaging(n, last - first, aperture) @ series
    return values_of_series(coefficients, first, last - aperture - first, Times(starts))


@lru_cache(maxsize=16)
def _averaging(n: int, length: int, aperture: int) -> Array:
    """Matrix (n, n) from a series over `length` ns to that of its mean over `aperture` ns as a function of the start.

    The mean has the same degree: it is found at its own nodes, by a Gauss rule.
    """
    x, w = gauss(n // 2 + 1)
    within = (chebyshev.nodes(n)[:, None] + 1.0) * (0.5 * (length - aperture)) + x * aperture
    angles = np.arccos(np.clip(within * (2.0 / length) - 1.0, -1.0, 1.0))
    means = np.einsum("ijk,j->ik", np.cos(np.multiply.outer(angles, np.arange(n))), w)
    matrix: Array = chebyshev.interpolation(n) @ means
    return matrix


def _refined_means(signal: Signal, starts: NDArray[np.int64], aperture: int) -> Array:
    previous: Any = None
    for panels in (1, 8, 64, 1024):
        for order in (2, 4, 8, 16, 32, 64) if panels == 1 else (32, 64):
            if panels * order * len(starts) > 40 * SPAN and previous is not None and len(starts) > 1:
                half = len(starts) // 2
                pieces = [_refined_means(signal, part, aperture) for part in (starts[:half], starts[half:])]
                return np.concatenate(pieces)
            x, w = gauss(order)
            fractions = ((np.arange(panels)[:, None] + x) / panels).ravel()
            weights = np.tile(w / panels, panels)
            values = signal.at(within(starts, fractions * (aperture / NS)))
            current: Array = values @ weights
            size = float(np.max(np.abs(values) @ weights))
            if previous is not None and np.max(np.abs(current - previous)) <= TOLERANCE * size:
                return current
            previous = current
    raise SimulationError(
        f"the mean of {signal!r} over {aperture / NS} s at t = {starts[0] / NS} s did not converge; "
        "read it with a shorter aperture"
    )
