"""The interferometer's periodic error in the fit of Bl: told from the profile and from a mirror that shakes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from twin.angles import sine_cosine

Array = NDArray[np.float64]

COHERENT = 0.1  # share of the fringes' phase that sweeps have in common, from which on they repeat
SWEEPS_THAT_REPEAT = 512  # that tell whether they do


def check_fringes(phase: Array, order: int) -> None:
    """Refuse readings whole fringes apart: to them the periodic error looks like a part of the profile.

    Where what the phase, as sweeps have it in common, has beyond whole fringes never passes a quarter of one from edge
    to edge, it has to pass that over the sweep for each order of the profile.

    Parameters
    ----------
    phase : of the periodic error at the edges of the apertures (rad), shape (sweeps, n + 1).
    order : of the polynomial Bl(z).
    """
    some = phase[:SWEEPS_THAT_REPEAT].T
    senses = _senses(some[-1] > some[0])
    sine, cosine = (wave @ senses for wave in sine_cosine(some))
    for count, common in zip(senses.sum(axis=0), (cosine + 1j * sine).T, strict=True):
        if count == 0 or (count > 1 and np.mean(np.abs(common) ** 2) <= max(COHERENT * count, 4.0) * count):
            continue
        beyond = np.angle(common[1:] / common[:-1])
        passed = np.append(0.0, np.cumsum(beyond))
        if np.abs(beyond).max(initial=0.0) < 0.5 * np.pi and np.ptp(passed) < 0.5 * np.pi * order:
            fringes = float(np.abs(np.diff(some, axis=0)).mean()) / (2 * np.pi)
            raise ReductionError(
                "the interferometer's periodic error is not told from the profile of the field: from reading to "
                f"reading the coil passes {fringes:.3f} half-waves of the laser, too near a whole number for "
                f"{phase.shape[1] - 1} readings a sweep; take another reading_step or velocity, or a longer window"
            )


def set_instruments(columns: Array, rows: Array, waves: tuple[Array, Array], up: NDArray[np.bool_]) -> None:
    """Write the periodic error's weights, free of the noise of a sweep's own positions: the mean of the other sweeps.

    Where sweeps repeat, up and down in turn, and readings are close to whole fringes apart, the error's columns are
    small, and what shakes a sweep's own positions is not small beside them: of a mirror that does not quite go along
    with the ground it is in the voltages as well, and would be taken for the error. Where sweeps do not repeat, their
    own columns serve.

    Parameters
    ----------
    columns, rows : of the model, and the weights to be written, shape (2, n, sweeps).
    waves : sine and cosine of the phase at the edges, each shape (n + 1, sweeps).
    up : which sweeps go up, shape (sweeps,).
    """
    senses = _senses(up)
    counts = senses.sum(axis=0)
    sums = np.array([wave @ senses for wave in waves])
    repeats = (sums**2).mean(axis=1).sum(axis=0)
    among = (counts > 1) & (repeats - counts > COHERENT * counts * (counts - 1))
    # The sum of all less the own; or, where there is no mean, the own.
    share = np.where(among, 1.0 / np.maximum(counts - 1, 1), 0.0)
    np.multiply(columns, senses @ np.where(among, -share, 1.0), out=rows)
    rows += (np.diff(sums, axis=1) * share) @ senses.T


def _senses(up: NDArray[np.bool_]) -> Array:
    """Which sweeps go up, and which down: ones and zeros, shape (sweeps, 2)."""
    return np.array([up, ~up], dtype=float).T
