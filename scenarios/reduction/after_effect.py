"""The after-effect of the hinge at each weighing, from where the coil has been.

With u_i = z − x_i the relaxation dx_i/dt = (z − x_i)/τ_i of `components.after_effect` is du_i/dt = dz/dt − u_i/τ_i,
which has a closed form while the velocity is constant. What is not recorded of the motion is filled in: between sweeps
the coil goes on at their velocity, brakes and turns; to and from the weighing position it glides from rest to rest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.certificates import Certificates
from scenarios.reduction.recording import Recording, Sweeps, Weighings

Array = NDArray[np.float64]
Path = tuple[Array, Array]
"""Times (s) and positions (m), with lines between."""

FAST = 0.2  # a pair of sweeps that takes so little of a time constant acts with its mean position
GLIDE_SHARE = 0.8  # of the time there is for a glide
BRAKING = 1 / 3  # of the time between a sweep's readings and its end
STEPS = np.linspace(0.0, 1.0, 9)
GLIDE = np.linspace(0.0, 1.0, 33)


def elongation(recording: Recording, certificates: Certificates) -> Array:
    """Mean of Σ w_i (z − x_i) over each weighing (m), shape (weighings,)  (Keck2024, generalised Maxwell model)."""
    w, constants = recording.weighings, np.array(certificates.after_effect_time_constants)
    if not constants.size:
        return np.zeros(len(w.time))
    weights = np.array(certificates.after_effect_weights or np.full(len(constants), 1.0 / len(constants)))
    begin = w.time - 0.5 * w.duration
    moved = tuple(sweeps for sweeps in recording.moved if sweeps.located.any())
    time, z = path(recording.held, moved, FAST * float(constants.min()))
    rest = certificates.after_effect_rest
    u = stretched(time, z, begin, constants, 0.0 if rest is None else float(z[0]) - rest)
    mean: Array = (u * _mean_left(w.duration[:, None] / constants)) @ weights
    return mean


def stretched(time: Array, z: Array, at: Array, constants: Array, first: float = 0.0) -> Array:
    """z − x_i of each mode at some of the points of a path (m), shape (instants, modes); `first` at its start.

    Parameters
    ----------
    time, z : the path (s, m); times ascend.
    at : the instants, each a point of the path after its first (s).
    constants : τ_i (s).
    """
    ends = np.searchsorted(time[1:], at) + 1  # segment j ends at point j + 1
    firsts = np.concatenate([[0], ends[:-1]])
    step, change = np.diff(time[: ends[-1] + 1])[:, None], np.diff(z[: ends[-1] + 1])[:, None]
    until = np.repeat(at, ends - firsts) - time[1 : ends[-1] + 1]
    left = change * _mean_left(step / constants) * np.exp(-until[:, None] / constants)
    added = np.add.reduceat(left, firsts, axis=0)
    kept = np.exp(-np.diff(at, prepend=time[0])[:, None] / constants)
    u, now = np.empty_like(added), np.full(len(constants), first)
    for i in range(len(at)):
        now = now * kept[i] + added[i]
        u[i] = now
    return u


def path(w: Weighings, groups: tuple[Sweeps, ...], fast: float) -> Path:
    """Where the coil has been from the start of the run on.

    Before what was read first it was there already. A group whose pairs of sweeps take less than `fast` (s) stands for
    its means.
    """
    w = w.kept(np.isfinite(w.position))
    begin, end = w.time - 0.5 * w.duration, w.time + 0.5 * w.duration
    parts = [(np.stack([begin, end], axis=1).ravel(), np.repeat(w.position, 2))]
    after = np.searchsorted(w.time, [sweeps.time[0] for sweeps in groups])
    for i, (sweeps, k) in enumerate(zip(groups, after, strict=True)):
        from_weighing = k > (after[i - 1] if i else 0)
        to_weighing = k < (after[i + 1] if i + 1 < len(groups) else len(w.time))
        earliest, latest = end[k - 1] if from_weighing else -np.inf, begin[k] if to_weighing else np.inf
        moved = _moved(sweeps, fast, earliest, latest)
        parts.append(moved)
        if from_weighing:
            parts.append(_glide(earliest, w.position[k - 1], moved[0][0], moved[1][0]))
        if to_weighing:
            parts.append(_glide(moved[0][-1], moved[1][-1], latest, w.position[k]))
    time, z = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(time, kind="stable")
    time, z = time[order], z[order]
    return np.concatenate([[min(0.0, time[0])], time]), np.concatenate([z[:1], z])


def _moved(sweeps: Sweeps, fast: float, earliest: float, latest: float) -> Path:
    """A velocity phase, from rest where its first sweep begins to rest where the last one ends."""
    good = sweeps.located
    middle, low, high = sweeps.time[good], sweeps.position[good, 0], sweeps.position[good, -1]
    half = 0.5 * sweeps.aperture * sweeps.voltage.shape[1]
    every = float(np.median(np.diff(middle))) if len(middle) > 1 else 2.0 * half
    beside = max(0.5 * every - half, 0.0)
    start, stop = middle - half, middle + half
    speed = (high - low) / (2.0 * half)
    first = _stop(start[0], low[0], -speed[0], min(beside, start[0] - earliest))
    last = _stop(stop[-1], high[-1], speed[-1], min(beside, latest - stop[-1]))
    if 2.0 * every < fast:
        pairs = len(middle) // 2
        time = middle[: 2 * pairs].reshape(pairs, 2).mean(axis=1)
        z = 0.25 * (low + high)[: 2 * pairs].reshape(pairs, 2).sum(axis=1)
    else:
        time, z = _with_turns(start, stop, low, high, speed)
    times = 2.0 * start[0] - first[0][::-1], time, last[0]
    return np.concatenate(times), np.concatenate([first[1][::-1], z, last[1]])


def _stop(time: float, z: float, speed: float, span: float) -> Path:
    """On at constant velocity and then to rest, within a time span."""
    brake = BRAKING * span
    s = brake * STEPS
    return time + span - brake + s, z + speed * (span - brake + s - 0.5 * s * STEPS)


def _with_turns(start: Array, stop: Array, low: Array, high: Array, speed: Array) -> Path:
    """Edges of the sweeps; about where the lines through two that follow each other meet, the coil turns."""
    gap, bend = start[1:] - stop[:-1], np.diff(speed)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (high[:-1] - low[1:] + speed[1:] * gap) / (bend * gap)
    turns = (share > 0) & (share < 1)
    share = np.where(turns, share, 0.5)
    bend, slope = np.where(turns, bend, 0.0), np.where(turns, speed[:-1], (low[1:] - high[:-1]) / gap)
    brake = BRAKING * np.minimum(share, 1.0 - share) * gap
    s = 2.0 * brake[:, None] * STEPS
    line = (share * gap - brake)[:, None] + s
    z = high[:-1, None] + slope[:, None] * line + 0.5 * bend[:, None] * s * STEPS
    between = stop[:-1, None] + line, z
    edges = np.stack([start, stop], axis=1), np.stack([low, high], axis=1)
    both = (np.hstack([edge[:-1], more]).ravel() for edge, more in zip(edges, between, strict=True))
    time, z = (np.append(part, edge[-1]) for part, edge in zip(both, edges, strict=True))
    return time, z


def _glide(begin: float, z0: float, end: float, z1: float) -> Path:
    """From rest to rest along 3 s² − 2 s³, in the middle of the time there is."""
    margin = 0.5 * (1.0 - GLIDE_SHARE) * (end - begin)
    return begin + margin + (end - begin - 2.0 * margin) * GLIDE, z0 + (z1 - z0) * GLIDE**2 * (3.0 - 2.0 * GLIDE)


def _mean_left(h: Array) -> Array:
    """Mean of exp(−t) from 0 to h."""
    safe = np.maximum(h, 1e-300)
    mean: Array = -np.expm1(-safe) / safe
    return mean
