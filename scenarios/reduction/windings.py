"""Two windings: Bl without current from sweeps with it, and one winding's Bl for the other's weighings (Liu2025, OMTP).

While one winding carries the current I, the other's voltage over the velocity is ``Bl + I M'``: twice what the current
adds to the force, and odd in I. Of each two neighbouring velocity groups with opposite currents the mean at zero
current is taken. As the windings swap roles, either's Bl is known in turn; their ratio, a constant of the coil, joins
these to one course of winding 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.recording import Recording, Sweeps
from scenarios.reduction.result import Excluded
from scenarios.reduction.velocity import OffsetDrift, VelocityFit

Array = NDArray[np.float64]
GROUPS_FOR_DRIFT = 2  # of each winding, from which on a drift can be told from the ratio


@dataclass(frozen=True, eq=False)
class Windings:
    """What was done to make a run with two windings one with a single winding.

    Parameters
    ----------
    ratio : Bl of winding 2 over that of winding 1; 1 with one winding.
    factor : what to multiply Bl of winding 1 with for each weighing.
    heating : mean square, for each velocity group, of the voltage across the resistor that its current stands for (V²);
        0 without current.
    mutual : half the difference of Bl between the currents, at the weighing position (T·m), for each group.
    """

    ratio: float
    factor: Array
    heating: Array
    mutual: Array


def as_one_winding(
    recording: Recording, fits: Sequence[VelocityFit]
) -> tuple[Recording, tuple[VelocityFit, ...], Windings]:
    """The groups and their fits as if winding 1 alone had been there, without current in the velocity phases.

    Raises
    ------
    ReductionError
        If the windings have not swapped roles, or no two groups with opposite currents are left.
    """
    weighed = recording.weighings.winding
    if not any(group.state for group in recording.sweeps):
        return recording, tuple(fits), Windings(1.0, np.ones(len(weighed)), *np.zeros((2, len(fits))))
    groups, joined, heating, mutual, lonely = _without_current(recording, fits)
    sensed = np.array([group.winding for group in groups])
    if lonely and np.ptp(sensed) == 0:
        raise ReductionError(f"no velocity group of one winding is left{_first(lonely)}; its Bl is not known")
    ratio = winding_ratio(np.array([fit.time for fit in joined]), np.abs([fit.bl for fit in joined]), sensed)
    scaled = tuple(
        _times(fit, 1.0 / ratio if winding == 2 else 1.0) for fit, winding in zip(joined, sensed, strict=True)
    )
    factor = np.where(weighed == 2, ratio, 1.0)
    excluded = (*recording.excluded, *lonely)
    found = replace(recording, sweeps=groups, excluded=excluded)
    return found, scaled, Windings(ratio, factor, np.array(heating), np.array(mutual))


def _without_current(
    recording: Recording, fits: Sequence[VelocityFit]
) -> tuple[tuple[Sweeps, ...], list[VelocityFit], list[float], list[float], list[Excluded]]:
    """Groups with opposite currents in pairs, each pair as one group without current."""
    pairs: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for i, group in enumerate(recording.sweeps):
        pairs[group.cycle, group.block][group.state] = i
    groups, joined, heating, mutual, lonely = [], [], [], [], []
    for (cycle, _), pair in pairs.items():
        if set(pair) != {"on", "off"}:
            reason = "its partner with the opposite current is missing"
            lonely.append(Excluded(cycle, "velocity group", None, reason))
            continue
        on, off = pair["on"], pair["off"]
        volts = [_volts(recording, cycle, state) for state in ("on", "off")]
        if volts[0] == volts[1]:
            lonely.append(Excluded(cycle, "velocity group", None, "its currents were read alike, not opposite"))
            continue
        shares = np.array([-volts[1], volts[0]]) / (volts[0] - volts[1])
        groups.append(_both(recording.sweeps[on], recording.sweeps[off]))
        joined.append(_mean(fits[on], fits[off], shares))
        heating.append(0.5 * (volts[0] ** 2 + volts[1] ** 2))
        mutual.append(0.5 * (fits[on].bl - fits[off].bl))
    if not groups:
        raise ReductionError(
            f"no two velocity groups with opposite currents are left{_first(lonely)}; Bl without current is not known"
        )
    return tuple(groups), joined, heating, mutual, lonely


def _first(left_out: Sequence[Excluded]) -> str:
    """Why the first of these was left out, for an error."""
    return f" (cycle {left_out[0].cycle + 1}: {left_out[0].reason})" if left_out else ""


def _volts(recording: Recording, cycle: int, state: str) -> float:
    """Voltage across the resistor while the same state was weighed, which the velocity phase has kept."""
    w = recording.held
    own = (w.cycle == cycle) & (w.on == (state == "on")) & np.isfinite(w.voltage)
    if not own.any():
        raise ReductionError(
            f"cycle {cycle + 1} has no weighing with the mass {state}; the current of its sweeps is not known"
        )
    return float(w.voltage[own].mean())


def _both(first: Sweeps, second: Sweeps) -> Sweeps:
    if first.winding != second.winding or first.voltage.shape[1] != second.voltage.shape[1]:
        raise ReductionError(f"the velocity groups of cycle {first.cycle + 1} with opposite currents are not alike")
    return replace(
        first,
        voltage=np.concatenate([first.voltage, second.voltage]),
        position=np.concatenate([first.position, second.position]),
        time=np.concatenate([first.time, second.time]),
        state="",
    )


def _mean(first: VelocityFit, second: VelocityFit, shares: Array) -> VelocityFit:
    """Two fits with these shares, which add up to 1."""
    a, b = shares.tolist()
    u = a * first.u_bl, b * second.u_bl
    spread = u[0] ** 4 / first.dof + u[1] ** 4 / second.dof
    total = len(first.sweeps) + len(second.sweeps)
    number, bl = first.number + second.number, a * first.bl + b * second.bl
    centre = (len(first.sweeps) * first.time + len(second.sweeps) * second.time) / total
    return replace(
        first,
        bl=bl,
        u_bl=float(np.hypot(*u)),
        dof=float(np.hypot(*u) ** 4 / spread) if spread > 0 else first.dof + second.dof,
        time=centre,
        mean_z=(first.number * first.mean_z + second.number * second.mean_z) / number,
        coefficients=a * first.coefficients + b * second.coefficients,
        drift=a * first.drift + b * second.drift,
        offset=a * first.offset + b * second.offset,
        residual_rms=float(np.sqrt(0.5 * (first.residual_rms**2 + second.residual_rms**2))),
        serial_correlation=0.5 * (first.serial_correlation + second.serial_correlation),
        number=number,
        sweeps=np.concatenate([first.sweeps - first.bl, second.sweeps - second.bl]) + bl,
        periodic=(
            a * first.periodic[0] + b * second.periodic[0],
            a * first.periodic[1] + b * second.periodic[1],
        ),
        skew=None if first.skew is None or second.skew is None else a * first.skew + b * second.skew,
        u_skew=float(np.hypot(a * first.u_skew, b * second.u_skew)),
        offset_drift=_mean_drift((first, a * first.bl / bl), (second, b * second.bl / bl)),
    )


def _mean_drift(*parts: tuple[VelocityFit, float]) -> OffsetDrift:
    """Of two fits with their shares in Bl; where one alone was fitted, its change is in Bl, and the other's doubt."""
    told = [fit.offset_drift for fit, _ in parts]
    fitted = [drift.fitted for drift in told if drift.fitted is not None]
    return OffsetDrift(
        float(np.mean(fitted)) if fitted else None,
        sum(share * drift.change for (_, share), drift in zip(parts, told, strict=True)),
        sum(share * drift.sensitivity for (_, share), drift in zip(parts, told, strict=True)),
    )


def winding_ratio(times: Array, bl: Array, sensed: NDArray[np.int64]) -> float:
    """Bl of winding 2 over that of winding 1, with one linear drift of both if there are groups enough.

    Parameters
    ----------
    times, bl, sensed : of each velocity group (s, T·m), and the winding, 1 or 2, that was sensed.

    Raises
    ------
    ReductionError
        If one of them never was.
    """
    counts = [int(np.count_nonzero(sensed == winding)) for winding in (1, 2)]
    if min(counts) == 0:
        raise ReductionError(
            "the windings have not swapped roles: one of them was never sensed, so that its Bl is not known; "
            "record cycles with either winding weighing"
        )
    log_bl, design = np.log(bl), [np.ones(len(bl)), sensed == 2]
    if min(counts) >= GROUPS_FOR_DRIFT:
        design.append((times - times.mean()) / max(float(np.ptp(times)), 1e-300))
    middle = log_bl.mean()
    solution = np.linalg.lstsq(np.column_stack(design), log_bl - middle, rcond=None)[0]
    return float(np.exp(solution[1]))


def _times(fit: VelocityFit, factor: float) -> VelocityFit:
    """The fit of a winding with so many times Bl."""
    if factor == 1.0:
        return fit
    return replace(
        fit,
        bl=fit.bl * factor,
        u_bl=fit.u_bl * factor,
        coefficients=fit.coefficients * factor,
        drift=fit.drift * factor,
        sweeps=fit.sweeps * factor,
    )
