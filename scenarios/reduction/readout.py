"""All that was read, prepared once as arrays: every mass, with any certificates and corrections, follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.after_effect import elongation
from scenarios.reduction.applied import Applied
from scenarios.reduction.calibration import Calibration, Meter
from scenarios.reduction.certificates import Certificates
from scenarios.reduction.conditions import Air, Conditions
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.interpolation import interpolation
from scenarios.reduction.recording import Recording, Weighings
from scenarios.reduction.settings import Corrections, ReductionSettings
from scenarios.reduction.velocity import VelocityFit
from scenarios.reduction.warmth import Warmth
from scenarios.reduction.weighing import Comparison, compare
from scenarios.reduction.windings import Windings
from scenarios.reduction.yoke_lag import lagging_current, time_scales

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Schemes:
    """The comparison of each cycle, and the weights of all in one row, shape (weighings,)."""

    comparisons: list[Comparison]
    weights: Array


@dataclass(frozen=True, eq=False)
class Readout:
    """A run, as numbers.

    Parameters
    ----------
    weighings : in order of time.
    cycles : their labels; `members` are the indices of each cycle's weighings, `of_cycle` says which cycle is whose.
    schemes : the weighing scheme.
    groups : times of the velocity groups (s).
    z_w, coefficients : of their Bl(z) = Σ c_k (z − z_w)^k, shape (order + 1, groups, 1).
    mixing : weights of the groups for each weighing, shape (weighings, groups).
    last : index of the last weighing before each group, −1 for none.
    current, induced : calibrations of the voltmeters, or None.
    magnet, coil : their temperatures, or None.
    air : in each cycle and group.
    room : temperature of the air at each weighing (K), or None.
    tide : of gravity at each weighing (m/s²).
    elongation : Σ w_i (z − x_i) of the hinge's after-effect at each weighing (m).
    lag : mean excess of the yoke over each weighing (A), shape (time scales, weighings).
    time_scales : τ1 of the yoke as certified, and larger by its uncertainty if it has one (s).
    applied : what was done to positions and voltages before the fits.
    offset_drift : of the voltages of each group: whether it was fitted, 1 or 0, and its change and sensitivity, see
        `scenarios.reduction.velocity.OffsetDrift`, shape (3, groups).
    windings : how weighings and groups of two windings were joined.
    """

    weighings: Weighings
    cycles: list[int]
    members: list[NDArray[np.int64]]
    of_cycle: NDArray[np.int64]
    schemes: Schemes
    groups: Array
    z_w: float
    coefficients: Array
    mixing: Array
    last: NDArray[np.int64]
    current: Calibration | None
    induced: Calibration | None
    magnet: Warmth | None
    coil: Warmth | None
    air: Air
    room: Array | None
    tide: Array
    elongation: Array
    lag: Array
    time_scales: tuple[float, ...]
    applied: Applied
    offset_drift: Array
    windings: Windings

    def by_cycle(self, values: Array) -> Array:
        """Sum over the weighings, which come last, of each cycle."""
        order = np.argsort(self.of_cycle, kind="stable")
        firsts = np.searchsorted(self.of_cycle[order], np.arange(len(self.cycles)))
        return np.add.reduceat(values[..., order], firsts, axis=-1)


def prepare(
    recording: Recording,
    fits: Sequence[VelocityFit],
    certificates: Certificates,
    settings: ReductionSettings,
    applied: Applied,
    windings: Windings,
) -> Readout:
    """Join what was recorded.

    Raises
    ------
    ReductionError
        If a correction that is on has nothing to go by.
    """
    w, on, known = recording.weighings, settings.corrections, certificates.values()
    cycles = list(dict.fromkeys(w.cycle.tolist()))
    members = [np.flatnonzero(w.cycle == cycle) for cycle in cycles]
    groups, group_cycles = np.array([fit.time for fit in fits]), [sweeps.cycle for sweeps in recording.sweeps]
    conditions = Conditions(recording.environment, certificates.vacuum)
    schemes = _schemes(w, cycles, members, settings)
    _check_conditions(conditions, known, on)
    find = partial(_calibration, recording, certificates, conditions, settings)
    warm = partial(_warmth, recording)
    last = np.searchsorted(w.time, groups) - 1
    if certificates.current_goes_on:
        windings = replace(windings, heating=np.where(last < 0, 0.0, w.voltage[last]) ** 2)
    return Readout(
        weighings=w,
        cycles=cycles,
        members=members,
        of_cycle=np.array([cycles.index(cycle) for cycle in w.cycle.tolist()]),
        schemes=schemes,
        groups=groups,
        z_w=fits[0].z,
        coefficients=np.array([fit.coefficients for fit in fits]).T[:, :, None],
        mixing=interpolation(w.time, groups, settings) * windings.factor[:, None],
        last=last,
        current=find("current", w.time, w.cycle),
        induced=find("induced", groups, np.array(group_cycles)),
        magnet=warm("magnet", on.temperature and known["temperature_coefficient"] != 0, "temperature"),
        coil=warm("coil", on.coil_expansion and known["coil_expansion"] != 0, "coil_expansion"),
        air=_air(conditions, w.time, group_cycles, certificates, on),
        room=conditions.at("temperature", w.time),
        tide=_tide(w.time, certificates),
        elongation=elongation(recording, certificates),
        lag=lagging_current(w, recording.held, certificates),
        time_scales=time_scales(certificates),
        applied=applied,
        offset_drift=np.array([(d.share, d.change, d.sensitivity) for d in (fit.offset_drift for fit in fits)]).T,
        windings=windings,
    )


def _calibration(
    recording: Recording,
    certificates: Certificates,
    conditions: Conditions,
    settings: ReductionSettings,
    meter: Meter,
    times: Array,
    cycles: NDArray[np.int64],
) -> Calibration | None:
    """Those of the current's or the induced voltage's voltmeter, for the weighings or the groups."""
    reference, zero = getattr(recording, f"{meter}_calibration"), getattr(recording, f"{meter}_zero")
    if reference is not None and certificates.reference_voltage is not None:
        return Calibration.prepare(reference, zero, times, cycles, conditions, meter, settings.outlier_threshold)
    if settings.corrections.voltmeter_calibration:
        lack = "the certificates have no reference_voltage"
        if reference is None:
            lack = f"no block of channel '{meter}_voltmeter' with phase 'calibration'"
        raise _nothing_to_go_by(lack, "voltmeter_calibration")
    return None


def _warmth(recording: Recording, name: str, needed: bool, correction: str) -> Warmth | None:
    """The temperature of the magnet or the coil."""
    thermometer = recording.thermometer if name == "magnet" else recording.coil_thermometer
    if thermometer is not None:
        return Warmth.prepare(thermometer, recording.weighings.time, recording.sweeps)
    if needed:
        raise _nothing_to_go_by(f"no block of channel '{name}_thermometer'", correction)
    return None


def _check_conditions(conditions: Conditions, known: dict[str, Any], on: Corrections) -> None:
    """Whether the air was read as far as resistor and voltage reference depend on it."""
    for coefficient, quantity, correction in (
        ("resistance_temperature_coefficient", "temperature", "resistor_temperature"),
        ("mass_expansion", "temperature", "mass_expansion"),
        ("reference_temperature_coefficient", "temperature", "reference_environment"),
        ("reference_pressure_coefficient", "pressure", "reference_environment"),
    ):
        lacks = conditions.at(quantity, np.zeros(1)) is None
        if known[coefficient] and getattr(on, correction) and lacks:
            raise _nothing_to_go_by(f"no block of channel 'environment' with quantity {quantity!r}", correction)


def _nothing_to_go_by(lack: str, correction: str, *others: str) -> ReductionError:
    ways = ["supply it", *others, f"set reduction.corrections.{correction}=false"]
    text = f"{ways[0]} or {ways[1]}" if len(ways) == 2 else f"{', '.join(ways[:-1])}, or {ways[-1]}"
    return ReductionError(f"{lack}; {text}")


def _schemes(w: Weighings, cycles: list[int], members: list[NDArray[np.int64]], settings: ReductionSettings) -> Schemes:
    comparisons, weights = [], np.zeros(len(w.time))
    for cycle, own in zip(cycles, members, strict=True):
        try:
            comparison = compare(settings.weighing_scheme, w.time[own], w.on[own], settings.drift_order)
        except ReductionError as error:
            raise ReductionError(f"cycle {cycle + 1}: {error}") from None
        comparisons.append(comparison)
        weights[own] = comparison.weights
    return Schemes(comparisons, weights)


def _air(
    conditions: Conditions, weighings: Array, groups: list[int], certificates: Certificates, on: Corrections
) -> Air:
    """The air at weighings and of groups; none in vacuum, or if it is neither known nor needed."""
    if certificates.vacuum:
        return Air(None, None, None)
    lack = None
    if conditions.missing:
        lack = f"no block of channel 'environment' with quantity {conditions.missing[0]!r}"
    elif certificates.mass_density is None:
        lack = "the certificates have no mass_density"
    if lack is not None and on.buoyancy:
        raise _nothing_to_go_by(lack, "buoyancy", "state vacuum in the certificates")
    if conditions.missing and certificates.wavelength is not None and on.refractive_index:
        raise _nothing_to_go_by(str(lack), "refractive_index")
    if conditions.missing:
        return Air(None, None, None)
    return Air(conditions.beside(weighings), conditions.during("velocity", groups), certificates.wavelength)


def _tide(times: Array, certificates: Certificates) -> Array:
    if not certificates.tide:
        return np.zeros(len(times))
    from components.gravity import TidalConstituent, tide

    return tide(times, [TidalConstituent(amplitude=a, period=p, phase=f) for a, p, f in certificates.tide])
