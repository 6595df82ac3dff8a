"""From recorded blocks to a mass with its uncertainty budget."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.beginning import check_beginning
from scenarios.reduction.calibration import before, shown_by
from scenarios.reduction.certificates import Certificates
from scenarios.reduction.consistency import outlying_cycles
from scenarios.reduction.corrections import applied
from scenarios.reduction.course import bl_course
from scenarios.reduction.curves import allan_curves, weighing_windows
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.force import Outcome, evaluate
from scenarios.reduction.group import fit_groups
from scenarios.reduction.gum import Input
from scenarios.reduction.readout import Readout, prepare
from scenarios.reduction.recording import Readings, Recording, read
from scenarios.reduction.remarks import remarks
from scenarios.reduction.result import CycleResult, Excluded, MassResult
from scenarios.reduction.screening import screen
from scenarios.reduction.sensitivity import TypeB, mean_bl, type_b
from scenarios.reduction.settings import Corrections, ReductionSettings
from scenarios.reduction.settling import without_unsettled
from scenarios.reduction.skipping import without_first
from scenarios.reduction.steps import Step, laser_levels, reference_step, unread
from scenarios.reduction.type_a import TypeA, sources, type_a
from scenarios.reduction.velocity import VelocityFit
from scenarios.reduction.weighing import Difference
from scenarios.reduction.windings import as_one_winding
from scenarios.reduction.yoke_lag import without_lag
from twin.recorder import Block

Array = NDArray[np.float64]

SHORT_WAY = 0.15  # of a cycle: over it the magnet's temperature is interpolated
LARGE_SHARE = 0.25  # of a velocity group in Bl of a cycle


def reduce(
    blocks: Iterable[Block], certificates: Certificates, settings: ReductionSettings | None = None
) -> MassResult:
    """Reduce a TMTP run.

    Parameters
    ----------
    blocks : the readings, as described in `scenarios.reduction`.
    certificates : what the laboratory believes about its references.
    settings : how to reduce; the defaults of `ReductionSettings` if None.

    Raises
    ------
    ReductionError
        If blocks or certificates do not suffice.

    Notes
    -----
    Mass on and off differ by ΔF = (m − ρ_a V) g plus what else comes and goes with the mass; ΔF is taken of the forces
    of the single weighings, Bl I (1 + β I²) − k z I², with Bl interpolated in time from the velocity groups and carried
    to the position of each weighing by the fitted profile: `scenarios.reduction.force`. The mass is the plain mean over
    the cycles; `scenarios.reduction.type_a` tells how its Type A uncertainty comes about, and
    `scenarios.reduction.sensitivity` how the certificates make the Type B lines of the budget.

    An effect whose size is known from certificates and readings, but which is not corrected, is a Type B component of
    that size. GUM F.2.4.5: a known effect should be corrected; who does not, must not state an uncertainty that
    excludes it. So without temperature correction α_m (T_v − T_w), from the thermometer, appears as "magnet
    temperature, not corrected".
    """
    settings = settings or ReductionSettings()
    blocks = tuple(blocks)
    if settings.skip_weighings == 0:
        check_beginning(blocks, settings.outlier_threshold)
    recording = without_lag(read(blocks), certificates, settings.corrections)
    recording, skipped = without_first(recording, settings)
    recording, screened = screen(recording, settings)
    recording, unsettled = without_unsettled(recording, settings)
    step = _step(recording, certificates, settings)
    recording = recording if step is None else before(recording, step)
    found = _evaluated(recording, certificates, settings)
    outlying = _disagreeing(found, certificates, settings, step)
    if outlying:
        gone = {excluded.cycle for excluded in outlying}
        w = recording.weighings
        recording = replace(recording, weighings=w.kept(np.array([c not in gone for c in w.cycle.tolist()])))
        found = _evaluated(recording, certificates, settings)
    lonely = found.recording.excluded[len(recording.excluded) :]
    return _result(found, certificates, settings, (*skipped, *screened, *unsettled, *lonely, *outlying), blocks)


class Evaluated(NamedTuple):
    """A recording with what was made of it."""

    recording: Recording
    fits: tuple[VelocityFit, ...]
    run: Readout
    outcome: Outcome
    differences: list[Difference]


def _evaluated(recording: Recording, certificates: Certificates, settings: ReductionSettings) -> Evaluated:
    """Fits, forces and masses of the cycles."""
    fits, positions = fit_groups(recording, certificates, settings)
    recording, fits, windings = as_one_winding(recording, fits)
    run = prepare(recording, fits, certificates, settings, positions, windings)
    outcome = evaluate(run, applied(certificates, settings.corrections))
    if not np.isfinite(outcome.mean) or np.any(outcome.mass == 0):
        raise ReductionError("the forces with the mass on and off do not differ; check that the voltages were recorded")
    return Evaluated(recording, fits, run, outcome, compared(run, outcome))


def _step(recording: Recording, certificates: Certificates, settings: ReductionSettings) -> Step | None:
    """The step of the voltage reference, if both voltmeters read it."""
    current, induced = recording.current_calibration, recording.induced_calibration
    if current is None or induced is None or certificates.reference_voltage is None:
        return None
    meters = shown_by("current", current, recording.current_zero), shown_by("induced", induced, recording.induced_zero)
    readings, u = zip(*(meter.relative() for meter in meters), strict=True)
    return reference_step((meters[0].time, meters[1].time), readings, u, settings.outlier_threshold)


def _disagreeing(
    found: Evaluated, certificates: Certificates, settings: ReductionSettings, step: Step | None
) -> tuple[Excluded, ...]:
    """Cycles that cannot be right where others are.

    Raises
    ------
    ReductionError
        If no majority of the cycles is left.
    """
    run, outcome = found.run, found.outcome
    times = np.array([run.weighings.time[own].mean() for own in run.members])
    reasons = _in_the_dark(found, times, certificates, settings) | _hopped(run, certificates, settings)
    if step is not None:
        ends = np.array([run.weighings.time[own].max() for own in run.members])
        reasons |= {
            int(i): f"the voltage reference stepped by {step.size:+.2g}, relative, before it was over"
            for i in np.flatnonzero(ends > step.after)
        }
        if np.count_nonzero(ends > step.after) > settings.most_excluded * len(times):
            raise ReductionError(
                f"the voltage reference stepped by {step.size:+.2g}, relative, after {step.after:.6g} s; too few "
                "cycles are over before that: recalibrate it and repeat the run"
            )
    stays = np.array([i for i in range(len(times)) if i not in reasons])
    _, odd = outlying_cycles(
        times[stays],
        outcome.mass[stays],
        np.array([d.u for d in found.differences])[stays],
        run.groups,
        np.array([fit.bl for fit in found.fits]),
        settings.outlier_threshold,
        settings.most_excluded,
        np.array([d.dof for d in found.differences])[stays],
        _own_uncertainties(found, settings.corrections)[stays],
        [run.cycles[i] for i in stays],
    )
    reasons |= {int(stays[i]): reason for i, reason in odd.items()}
    return tuple(Excluded(run.cycles[i], "cycle", None, reason) for i, reason in sorted(reasons.items()))


def _hopped(run: Readout, certificates: Certificates, settings: ReductionSettings) -> dict[int, str]:
    """Cycles with Bl of a velocity group beside which the coil that is held was read elsewhere than at the start.

    None without a dead path: it is what a hop moves, so that a coil that was read elsewhere was elsewhere.

    Raises
    ------
    ReductionError
        If they are most of the run.
    """
    if not certificates.dead_path:
        return {}
    w, count = run.weighings, len(run.cycles)
    in_air = certificates.dead_path * run.air.refractivity_at_rest() + np.zeros(len(w.time))
    levels = laser_levels(w.time, w.on, w.position, settings.outlier_threshold, in_air)
    if not levels.any():
        return {}
    after = np.searchsorted(w.time, run.groups)
    beside = np.stack([levels[np.maximum(after - 1, 0)], levels[np.minimum(after, len(levels) - 1)]])
    wrong = (run.mixing[:, beside.any(axis=0)] != 0.0).any(axis=1)
    cycles = np.flatnonzero(run.by_cycle(wrong.astype(float)))
    first = int(np.argmax(levels != 0.0))
    jump = f"the position of the coil, while it weighed, jumped by {levels[first]:+.2g} m before {w.time[first]:.5g} s"
    if len(cycles) > settings.most_excluded * count:
        raise ReductionError(
            f"{jump}; if the laser hopped, Bl is wrong from then on, and too few cycles are over before that: "
            "repeat the run"
        )
    return dict.fromkeys(cycles.tolist(), f"{jump}; if the laser hopped, its Bl is wrong")


def _in_the_dark(
    found: Evaluated, times: Array, certificates: Certificates, settings: ReductionSettings
) -> dict[int, str]:
    """Cycles without readings of what they are corrected with.

    The course of the air is slow: it is interpolated up to a cycle's length from a reading. The magnet's temperature
    swings with the phases, and has to be known in each; where weighings are noisy, a thermometer that shows the same
    throughout is not connected, or too coarse to tell.

    Raises
    ------
    ReductionError
        If they are most of the run.
    """
    if len(times) < 2:
        return {}
    on, recording, period = settings.corrections, found.recording, float(np.median(np.diff(times)))
    lacking: dict[tuple[str, str], NDArray[np.int64]] = {}
    if on.buoyancy and not certificates.vacuum:
        for quantity, readings in recording.environment.items():
            far = unread(times, readings.samples[0], period)
            lacking[f"environment {quantity}", "buoyancy"] = np.flatnonzero(far)
    if on.temperature and recording.thermometer is not None and certificates.values()["temperature_coefficient"]:
        cold = _unknown_temperature(found.run, recording.thermometer, SHORT_WAY * period)
        if np.ptp(recording.thermometer.samples[1]) == 0.0 and np.median(recording.weighings.noise) > 0:
            cold = np.arange(len(times))
        lacking["magnet_thermometer", "temperature"] = cold
    reasons: dict[int, str] = {}
    for (channel, correction), cycles in lacking.items():
        if len(cycles) > settings.most_excluded * len(times):
            raise ReductionError(
                f"{channel} gave too few good readings for {len(cycles)} of {len(times)} cycles; supply them or "
                f"set reduction.corrections.{correction}=false"
            )
        reasons |= {int(i): f"{channel} gave too few good readings for it" for i in cycles}
    return reasons


def _unknown_temperature(run: Readout, thermometer: Readings, reach: float) -> NDArray[np.int64]:
    """Cycles with a weighing, or a velocity group, that nothing was read near (within `reach`, s) of the middle of."""
    moving = np.array([phase == "velocity" for phase in thermometer.phase])
    group = unread(run.groups, thermometer.time[moving], reach) if moving.any() else np.zeros(len(run.groups), bool)
    weighing = unread(run.weighings.time, thermometer.samples[0], reach) & (not moving.all())
    used = np.array([np.abs(run.mixing[own].mean(axis=0)) > LARGE_SHARE for own in run.members])
    return np.flatnonzero((used & group).any(axis=1) | (run.by_cycle(weighing.astype(float)) > 0))


def _own_uncertainties(found: Evaluated, on: Corrections) -> Array:
    """Standard uncertainty (kg) of each cycle's mass from what was read beside the weighings: Bl, calibrations."""
    run = found.run
    variances = np.array([(fit.u_bl / fit.bl) ** 2 for fit in found.fits])
    if run.induced is not None:
        variances = variances + run.induced.u(between=on.voltmeter_drift) ** 2
    shares = np.array([run.mixing[own].mean(axis=0) for own in run.members])
    relative = shares**2 @ variances
    if run.current is not None:
        firsts = [own[0] for own in run.members]
        relative = relative + run.current.u(between=on.voltmeter_drift)[firsts] ** 2
    own: Array = np.abs(found.outcome.mass) * np.sqrt(relative)
    return own


def _result(
    found: Evaluated,
    certificates: Certificates,
    settings: ReductionSettings,
    excluded: tuple[Excluded, ...],
    blocks: Sequence[Block],
) -> MassResult:
    """The mean of the cycles with its budget."""
    on = settings.corrections
    recording, fits, run, outcome, differences = found
    a = type_a(outcome.mass, sources(run, certificates, on, fits, outcome, differences))
    b = type_b(run, certificates, on, outcome)
    bl = float(mean_bl(run, outcome))
    inputs = (*_lines(a, outcome.mean), *b.inputs)
    return MassResult(
        mass_kg=outcome.mean,
        u_mass_kg=math.hypot(*(line.sensitivity * line.u for line in inputs)),
        inputs=inputs,
        coverage_factor=settings.coverage_factor,
        confidence=settings.confidence,
        bl_Tm=bl,
        u_bl_Tm=abs(bl) * _u_bl(a, b),
        corrections={name: size for name, size in b.changes.items() if getattr(on, name)},
        cycles=tuple(_cycle(run, outcome, differences[i], i) for i in range(len(run.cycles))),
        velocity=fits,
        bl_groups=bl_course(recording, run, fits, applied(certificates, on), outcome, settings),
        excluded=excluded,
        nominal_mass_kg=certificates.nominal_mass,
        winding_ratio=run.windings.ratio,
        idle=b.idle,
        notes=remarks(run, certificates, on),
        _curves=partial(allan_curves, weighing_windows(blocks, recording), recording, fits),
    )


def compared(run: Readout, outcome: Outcome) -> list[Difference]:
    """Mass on minus mass off of each cycle (kg), with its scatter."""
    loads = outcome.force / outcome.gravity / outcome.lift[run.of_cycle]
    pairs = zip(run.schemes.comparisons, run.members, strict=True)
    return [scheme.difference(loads[own]) for scheme, own in pairs]


def _cycle(run: Readout, outcome: Outcome, difference: Difference, i: int) -> CycleResult:
    own = run.members[i]
    return CycleResult(
        cycle=run.cycles[i],
        time_s=float(run.weighings.time[own].mean()),
        mass_kg=float(outcome.mass[i]),
        u_mass_kg=difference.u,
        bl_Tm=float((outcome.bl[own] / run.windings.factor[own]).mean()),
        air_density=float(outcome.density[own].mean()),
        number=difference.number,
        residual_times_s=difference.times,
        residuals_kg=difference.residuals,
    )


def _lines(a: TypeA, mass: float) -> list[Input]:
    """Type A lines of the budget."""
    return [
        Input(name, "A", None, "kg", size * abs(mass), 1.0, a.dofs[name], "normal", "")
        for name, size in a.components.items()
    ]


def _u_bl(a: TypeA, b: TypeB) -> float:
    """Relative combined standard uncertainty of the mean Bl."""
    parts = [a.components.get(name, 0.0) for name in ("velocity", "induced calibration", "magnet thermometer")]
    return math.hypot(*parts, math.sqrt(b.bl_variance))
