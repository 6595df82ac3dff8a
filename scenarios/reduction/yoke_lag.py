"""The lag of the coil's flux in solid iron: what it leaves in voltages and forces after the current was ramped.

The yoke is driven by ``m_w I(t)``, straight lines between what was read in the weighings. Each mode of diffusion then
has the excess ``x_k = q_k − m_w I`` with ``dx_k/dt = −m_w dI/dt − x_k/T_k``: closed forms on each line. Their sum
``e = Σ W_k x_k`` is flux ``L_y m e`` of the coil, which leaves as a voltage, and force ``L_y m' e I`` on it, with
``m(z)² = 1 − k (z − z0)²/L_y`` and its value m_w where the coil weighs (`components.yoke`, `components.coil`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.certificates import Certificates
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.recording import Recording, Sweeps, Weighings
from scenarios.reduction.settings import Corrections

Array = NDArray[np.float64]


class Course(NamedTuple):
    """What drives the yoke (A), shape (knots,), at ascending times (s), with lines between and 0 before."""

    time: Array
    current: Array


def without_lag(recording: Recording, certificates: Certificates, on: Corrections) -> Recording:
    """The recording with sweeps that are freed of the flux that leaves the yoke, and know what it does.

    Raises
    ------
    ReductionError
        If the certificates have a yoke, but not when the current was ramped, or less of it than its curvature takes.
    """
    inductance = certificates.values()["yoke_inductance"]
    if not inductance:
        return recording
    if not certificates.ramps:
        if not on.yoke_lag:
            return recording
        raise ReductionError(
            "the certificates have a yoke_inductance and no ramps; supply the times of the current's ramps, or set "
            "reduction.corrections.yoke_lag=false"
        )
    if not reach(_at_rest(recording.held), certificates):
        raise ReductionError(
            f"the reluctance_k on the certificates uses the yoke_inductance of {inductance:g} H up where the coil "
            "weighs; correct either"
        )
    course, scales = current_course(recording.held, certificates), time_scales(certificates)
    sweeps = []
    for group in recording.sweeps:
        passed = reach(group.position, certificates)
        lags = tuple(_voltage(group, passed, course, certificates, scale) for scale in scales)
        voltage = group.voltage - inductance * lags[0] if on.yoke_lag else group.voltage
        sweeps.append(replace(group, voltage=voltage, lags=lags))
    return replace(recording, sweeps=tuple(sweeps))


def time_scales(certificates: Certificates) -> tuple[float, ...]:
    """τ1 (s) as certified, and larger by its uncertainty, if it has one."""
    tau = certificates.estimates()["yoke_time_constant"]
    return (tau.value, tau.value + tau.u) if tau.u else (tau.value,)


def lagging_current(w: Weighings, held: Weighings, certificates: Certificates) -> Array:
    """Mean excess of the yoke over each weighing (A), shape (time scales, weighings); zeros without a yoke."""
    if not (certificates.values()["yoke_inductance"] and certificates.ramps):
        return np.zeros((1, len(w.time)))
    course, (shares, weights) = current_course(held, certificates), _modes(certificates)
    found = []
    for scale in time_scales(certificates):
        duration = w.duration[:, None] / (scale * shares)
        left = excess(course, scale * shares, w.time - 0.5 * w.duration) * _mean_left(duration)
        found.append(left @ weights)
    return np.array(found)


def reach(z: Array | float, certificates: Certificates) -> Array:
    """m, how much of the coil's flux the yoke takes up at z (m); 0 where a reading is of no place in the gap."""
    known = certificates.values()
    depth = np.asarray(z) - known["magnetic_centre"]
    found: Array = np.sqrt(np.maximum(1.0 - known["reluctance_k"] / known["yoke_inductance"] * depth**2, 0.0))
    return found


def current_course(held: Weighings, certificates: Certificates) -> Course:
    """m_w times the current: after each ramp that of what was weighed before the next one, or none."""
    begin, end = np.array(certificates.ramps).T
    volts = held.voltage.copy()
    for state in (True, False):  # of a weighing that was not read, as in the others
        own = held.on == state
        lost = own & ~np.isfinite(volts)
        volts[lost] = np.median(volts[own & ~lost]) if np.any(own & ~lost) else 0.0
    after = np.searchsorted(end, held.time) - 1
    level = np.zeros(len(end))
    read = after >= 0
    level[after[read]] = volts[read] / certificates.values()["resistance"]
    before = np.concatenate([[0.0], level[:-1]])
    drive = float(reach(_at_rest(held), certificates)) * np.stack([before, level], axis=1).ravel()
    return Course(np.stack([begin, end], axis=1).ravel(), drive)


def excess(course: Course, constants: Array, at: Array) -> Array:
    """x_k of each mode at some instants (A), shape of the instants with the modes last.

    Parameters
    ----------
    constants : T_k (s).
    at : instants (s).
    """
    spans, changes = np.diff(course.time), np.diff(course.current)
    h = spans[:, None] / constants
    fed = -changes[:, None] * _mean_left(h)
    states = np.zeros((len(course.time), len(constants)))
    for i, kept in enumerate(np.exp(-h)):
        states[i + 1] = states[i] * kept + fed[i]
    place = _place(course, at)
    since = (at - course.time[place])[..., None] / constants
    found: Array = states[place] * np.exp(-since) + _slopes(course)[place][..., None] * constants * np.expm1(-since)
    found[place < 0] = 0.0
    return found


def excess_along(course: Course, constants: Array, weights: Array, begin: Array, since: Array) -> Array:
    """Σ W_k x_k along sweeps (A), shape (sweeps, n), in Fortran's order.

    Where one line drives a whole sweep, x_k goes on from its beginning alike in all of them.

    Parameters
    ----------
    constants, weights : T_k (s), W_k.
    begin : of each sweep (s), shape (sweeps,).
    since : of the instants, ascending, from there on (s), shape (n,).
    """
    age, place = since / constants[:, None], _place(course, begin)
    found: Array = ((weights[:, None] * np.exp(-age)).T @ excess(course, constants, begin).T).T
    found += _slopes(course)[place][:, None] * ((weights * constants) @ np.expm1(-age))
    bent = place != _place(course, begin + since[-1])
    found[bent] = excess(course, constants, begin[bent, None] + since) @ weights
    return found


def _place(course: Course, at: Array) -> NDArray[np.int64]:
    """The knot that each instant comes after; −1 before all."""
    return np.asarray(np.searchsorted(course.time, at, side="right") - 1)


def _slopes(course: Course) -> Array:
    """Of the lines after each knot (A/s): 0 after the last, and so before all."""
    spans, changes = np.diff(course.time), np.diff(course.current)
    return np.append(np.divide(changes, spans, out=np.zeros_like(spans), where=spans > 0.0), 0.0)


def _mean_left(h: Array) -> Array:
    """Mean of exp(−t) from 0 to h."""
    safe = np.maximum(h, 1e-300)
    mean: Array = -np.expm1(-safe) / safe
    return mean


def _voltage(group: Sweeps, passed: Array, course: Course, certificates: Certificates, scale: float) -> Array:
    """What leaves the yoke with an inductance of 1 H (V/H), shape (sweeps, n); `passed` is m at the edges."""
    shares, weights = _modes(certificates)
    n = group.voltage.shape[1]
    begin, since = group.time - 0.5 * n * group.aperture, group.aperture * np.arange(n + 1)
    flux = passed * excess_along(course, scale * shares, weights, begin, since)
    return np.asarray(np.diff(flux.T, axis=0).T / group.aperture)


def _modes(certificates: Certificates) -> tuple[Array, Array]:
    """Time constants over τ1, and weights of the modes."""
    shares, weights = np.array(certificates.yoke_modes).T
    return shares, weights


def _at_rest(held: Weighings) -> float:
    """Where the coil weighs (m)."""
    return float(np.nanmean(held.position))
