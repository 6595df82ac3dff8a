"""Means over apertures by quadrature, with an error check, for signals without a closed antiderivative."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin.errors import SimulationError
from twin.times import NS, Times

if TYPE_CHECKING:
    from twin.signal import Signal

Array = NDArray[np.float64]
TOLERANCE = 1e-14
SPAN = 100_000
"""Instants evaluated at once, which bounds the memory of a long block."""


@lru_cache(maxsize=16)
def gauss(n: int) -> tuple[Array, Array]:
    """Nodes in (0, 1) and weights of the n-point Gauss-Legendre rule, weights summing to one."""
    x, w = np.polynomial.legendre.leggauss(n)
    return 0.5 * (x + 1.0), 0.5 * w


def means_by_quadrature(signal: Signal, starts: NDArray[np.int64], aperture: int) -> Array:
    """Means over [start, start + aperture) by Gauss rules of rising order.

    Apertures that a breakpoint cuts are split there. Convergence means that two orders agree to 1e-14 of the largest mean of
    the magnitude in the block.

    Raises
    ------
    SimulationError
        If 256 nodes, on up to 1024 parts of the aperture, do not suffice.
    """
    flat = starts.ravel()
    result = np.empty(flat.shape)
    whole = np.ones(flat.shape, dtype=bool)
    for cut in signal.breakpoints(int(flat.min()), int(flat.max()) + aperture):
        whole &= ~((flat < cut) & (cut < flat + aperture))
    indices = np.nonzero(whole)[0]
    per = max(1, SPAN // 16)
    for first in range(0, len(indices), per):
        part = indices[first : first + per]
        result[part] = _smooth_means(signal, flat[part], aperture)
    for i in np.nonzero(~whole)[0]:
        a, b = int(flat[i]), int(flat[i]) + aperture
        edges = [a, *sorted(signal.breakpoints(a, b)), b]
        parts = [
            (q - p) * _smooth_means(signal, np.array([p], dtype=np.int64), q - p)[0]
            for p, q in zip(edges, edges[1:], strict=False)
        ]
        result[i] = sum(parts) / aperture
    return result.reshape(starts.shape)


def _smooth_means(signal: Signal, starts: NDArray[np.int64], aperture: int) -> Array:
    previous: Any = None
    for panels in (1, 8, 64, 1024):
        for order in (4, 8, 16, 32, 64) if panels == 1 else (32, 64):
            if panels * order * len(starts) > 40 * SPAN and previous is not None and len(starts) > 1:
                half = len(starts) // 2
                pieces = [_smooth_means(signal, part, aperture) for part in (starts[:half], starts[half:])]
                return np.concatenate(pieces)
            x, w = gauss(order)
            fractions = ((np.arange(panels)[:, None] + x) / panels).ravel()
            weights = np.tile(w / panels, panels)
            values = signal.at(Times.offset(starts[:, None], fractions * (aperture / NS)))
            current: Array = values @ weights
            size = float(np.max(np.abs(values) @ weights))
            if previous is not None and np.max(np.abs(current - previous)) <= TOLERANCE * size:
                return current
            previous = current
    raise SimulationError(
        f"the mean of {signal!r} over {aperture / NS} s at t = {starts[0] / NS} s did not converge; read it with a shorter aperture"
    )
