"""From recorded blocks to a mass with its uncertainty budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from components.air import air_density
from scenarios.reduction.budget import UNCORRECTED, TypeA, sources, type_a, type_b
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.force import WeighingModel
from scenarios.reduction.recording import Recording, Weighings, read
from scenarios.reduction.result import CycleResult, Excluded, MassResult
from scenarios.reduction.settings import Certificates, Corrections, ReductionSettings
from scenarios.reduction.velocity import fit_velocity
from scenarios.reduction.weighing import compare
from twin.recorder import Block

Array = NDArray[np.float64]
T = TypeVar("T")


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
    Mass on and off differ by ΔF = (m − ρ_a V) g, so that m = ΔF/(g (1 − ρ_a/ρ_m)); ΔF is taken of the forces of the
    single weighings, Bl I (1 + β I²) − k z I², with Bl interpolated in time from the velocity groups and carried to the
    position of each weighing by the fitted profile. The mass is the plain mean over the cycles;
    `scenarios.reduction.budget` tells how its Type A uncertainty comes about.

    An effect whose size is known from certificates and readings, but which is not corrected, is a Type B component of
    that size. GUM F.2.4.5: a known effect should be corrected; who does not, must not state an uncertainty that
    excludes it. So without temperature correction α_m (T_v − T_w), from the thermometer, appears as "magnet
    temperature".
    """
    settings = settings or ReductionSettings()
    recording = read(blocks)
    weighings, excluded = _without_first(recording.weighings, settings.skip_weighings)
    z_w = float(weighings.position.mean())
    fits = tuple(
        _named(
            sweeps.cycle,
            fit_velocity,
            sweeps.voltage,
            sweeps.position,
            sweeps.aperture,
            sweeps.time,
            z_w,
            settings.profile_order,
        )
        for sweeps in recording.sweeps
    )
    model = WeighingModel.prepare(recording, weighings, fits, certificates, settings)
    cycles = sorted(set(weighings.cycle.tolist()), key=lambda c: weighings.time[weighings.cycle == c][0])
    members = [np.flatnonzero(weighings.cycle == cycle) for cycle in cycles]
    schemes = [
        _named(cycle, compare, settings.weighing_scheme, weighings.time[own], weighings.on[own], settings.drift_order)
        for cycle, own in zip(cycles, members, strict=True)
    ]
    air = _air(recording, cycles, certificates, settings.corrections)

    def masses(on: Corrections) -> Array:
        force = model.force(on)
        lifted = np.array([scheme.weights @ force[own] for scheme, own in zip(schemes, members, strict=True)])
        return lifted / (certificates.gravity * _buoyancy(air, certificates, on))

    on = settings.corrections
    force, bl, by_cycle = model.force(on), model.bl(on), masses(on)
    mean = float(by_cycle.mean())
    if not np.isfinite(mean) or np.any(by_cycle == 0):
        raise ReductionError("the forces with the mass on and off do not differ; check that the voltages were recorded")
    differences = [scheme.difference(force[own]) for scheme, own in zip(schemes, members, strict=True)]
    a = type_a(by_cycle, sources(model, on, fits, schemes, members, differences))
    changes = _changes(masses, on)
    b = type_b(certificates, on, air, changes)
    bl_mean = float(np.mean([bl[own].mean() for own in members]))
    unit = certificates.gravity * _buoyancy(air, certificates, on)
    return MassResult(
        mass_kg=mean,
        u_mass_kg=abs(mean) * math.hypot(a.combined, *b.values()),
        type_a=a.components,
        type_b=b,
        dof=a.dof,
        coverage_factor=settings.coverage_factor,
        bl_Tm=bl_mean,
        u_bl_Tm=abs(bl_mean) * _u_bl(a, certificates, on),
        corrections={name: size for name, size in changes.items() if getattr(on, name)},
        cycles=tuple(
            CycleResult(
                cycle=cycle,
                time_s=float(weighings.time[own].mean()),
                mass_kg=float(by_cycle[i]),
                u_mass_kg=differences[i].u / float(unit[i]),
                bl_Tm=float(bl[own].mean()),
                air_density=float(air[i]) if on.buoyancy else 0.0,
                number=differences[i].number,
                residual_times_s=differences[i].times,
                residuals_kg=differences[i].residuals / unit[i],
            )
            for i, (cycle, own) in enumerate(zip(cycles, members, strict=True))
        ),
        velocity=fits,
        excluded=excluded,
        nominal_mass_kg=certificates.nominal_mass,
    )


def _named(cycle: int, function: Callable[..., T], *arguments: object) -> T:
    """Call a function of one cycle's data; an error names the cycle."""
    try:
        return function(*arguments)
    except ReductionError as error:
        raise ReductionError(f"cycle {cycle}: {error}") from None


def _without_first(weighings: Weighings, skip: int) -> tuple[Weighings, tuple[Excluded, ...]]:
    """Leave out the first weighings of each cycle."""
    keep = np.ones(len(weighings.time), dtype=bool)
    for cycle in set(weighings.cycle.tolist()):
        keep[np.flatnonzero(weighings.cycle == cycle)[:skip]] = False
    if not np.any(keep):
        raise ReductionError(f"reduction.skip_weighings={skip} leaves no weighing; lower it")
    out = tuple(
        Excluded(int(weighings.cycle[i]), int(weighings.number[i]), f"among the first {skip} of its cycle")
        for i in np.flatnonzero(~keep)
    )
    w = weighings
    kept = Weighings(w.cycle[keep], w.number[keep], w.on[keep], w.time[keep], w.voltage[keep], w.position[keep])
    return kept, out


def _air(recording: Recording, cycles: list[int], certificates: Certificates, on: Corrections) -> Array:
    """Air density while each cycle weighs (kg/m³); zeros in vacuum, or if it is neither known nor needed."""
    if certificates.vacuum:
        return np.zeros(len(cycles))
    missing = [q for q in ("temperature", "pressure", "humidity") if q not in recording.environment]
    if missing or certificates.mass_density is None:
        if not on.buoyancy:
            return np.zeros(len(cycles))
        lack = "the certificates have no mass_density"
        if missing:
            lack = f"no block of channel 'environment' with quantity {missing[0]!r}"
        raise ReductionError(
            f"{lack}; supply it, state vacuum in the certificates, or set reduction.corrections.buoyancy=false"
        )
    means = []
    for quantity in ("temperature", "pressure", "humidity"):
        readings = recording.environment[quantity]
        for cycle in cycles:
            own = readings.of("weighing", cycle)
            own = own if np.any(own) else readings.cycle == cycle
            means.append(float(readings.mean[own].mean() if np.any(own) else readings.mean.mean()))
    try:
        return air_density(*np.reshape(means, (3, len(cycles))))
    except ValueError as error:
        if not on.buoyancy:
            return np.zeros(len(cycles))
        raise ReductionError(f"channel 'environment': {error}") from None


def _buoyancy(air: Array, certificates: Certificates, on: Corrections) -> Array:
    """ΔF/(m g) of each cycle."""
    if not on.buoyancy or certificates.mass_density is None:
        return np.ones(len(air))
    return 1 - air / certificates.mass_density


def _changes(masses: Callable[[Corrections], Array], on: Corrections) -> dict[str, float]:
    """Relative change of the mass by each correction, whether it is applied or not."""
    applied = float(masses(on).mean())
    changes = {}
    for name in UNCORRECTED:
        other = float(masses(on.model_copy(update={name: not getattr(on, name)})).mean())
        changes[name] = applied / other - 1 if getattr(on, name) else other / applied - 1
    return changes


def _u_bl(a: TypeA, certificates: Certificates, on: Corrections) -> float:
    """Relative combined standard uncertainty of the mean Bl."""
    parts = [a.components["velocity"], a.components.get("induced calibration", 0.0), certificates.u_interferometer]
    return math.hypot(*parts, certificates.u_reference if on.voltmeter_calibration else 0.0)
