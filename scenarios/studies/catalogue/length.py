"""Length: the interferometer and the air in its way."""

from __future__ import annotations

import math

import numpy as np

from scenarios.studies.case import Case
from scenarios.studies.catalogue.forces import AIR, FLAT, index
from scenarios.studies.effects import Effect


def _refraction(case: Case) -> float:
    return 1.0 / index(case) - 1.0


def _cosine(case: Case) -> float:
    laser = case.parts["interferometer"]
    lean = math.sin(laser.verticality_x) ** 2 + math.sin(laser.verticality_y) ** 2
    return 1.0 / math.sqrt(1.0 - lean) - 1.0


def _sideways(case: Case) -> float:
    laser, path = case.parts["interferometer"], case.parts["alignment"]
    return _cosine(case) - float(laser.verticality_x * path.drift_x + laser.verticality_y * path.drift_y)


def _abbe(case: Case) -> float:
    laser, path = case.parts["interferometer"], case.parts["alignment"]
    return -float(laser.abbe_offset_x * path.roll_y - laser.abbe_offset_y * path.roll_x)


def _drift(case: Case) -> float:
    laser = case.parts["interferometer"]
    return -float(laser.laser_drift + laser.gain_drift) * case.relative_error(case.carried(case.group_times))


def _periodic(case: Case) -> float:
    """The error at the ends of the readings, in the fit of Bl."""
    laser, z = case.parts["interferometer"], case.edges()
    error = laser.nonlinearity * np.sin(4.0 * math.pi / laser.wavelength * z + laser.nonlinearity_phase)
    return -case.fitted(np.diff(error, axis=1) * 1e9 / case.schedule.step)


LENGTH: tuple[Effect, ...] = (
    Effect("refractive index of the air", AIR, _refraction, "1/n − 1", ("refractive_index",)),
    Effect("wavelength of the laser", {"interferometer.gain": 1e-6}, -1e-6, "−δλ/λ",
           certified=("interferometer.gain",)),
    Effect("drift of the laser", {"interferometer.laser_drift": 1e-9}, _drift, "−δ t_w: Bl is carried to it",
           ("laser_drift",)),
    Effect("drift of the scale", {"interferometer.gain_drift": 1e-9}, _drift, "−δ t_w: Bl is carried to it",
           ("laser_drift",), certified=("interferometer.gain_drift",)),
    Effect("zero of the interferometer", {"interferometer.offset": 1e-3, **FLAT}, 0.0, "0: no velocity"),
    Effect("drift of the zero", {"interferometer.offset_drift": 1e-9, **FLAT}, 0.0, "0: reverses with the velocity"),
    Effect(
        "dead path of a drifting laser", {"interferometer.dead_path": 1.0, "interferometer.laser_drift": 1e-9, **FLAT},
        _drift, "−δ t_w: the rest reverses with the velocity", ("laser_drift",),
    ),
    Effect(
        "periodic error of the interferometer", {"interferometer.nonlinearity": 1e-9}, _periodic,
        "−Σ w Δe/Σ w Δz, e = A sin(4π z/λ)", ("nonlinearity",),
    ),
    Effect(
        "verticality of the beam in x", {"interferometer.verticality_x": 2e-3}, _cosine, "1/cos φ − 1",
        ("laser_alignment",),
    ),
    Effect(
        "verticality of the beam in y", {"interferometer.verticality_y": 2e-3}, _cosine, "1/cos φ − 1",
        ("laser_alignment",),
    ),
    Effect(
        "leaning beam and sideways motion", {"interferometer.verticality_y": 1e-4, "alignment.drift_y": 1e-2},
        _sideways, "−φ_y dy/dz", ("laser_alignment",),
    ),
    Effect(
        "Abbe error in x", {"interferometer.abbe_offset_x": 1e-3, "alignment.roll_y": 5e-2}, _abbe, "−d_x dθ_y/dz",
        ("laser_alignment",),
    ),
    Effect(
        "Abbe error in y", {"interferometer.abbe_offset_y": 1e-3, "alignment.roll_x": 5e-2}, _abbe, "d_y dθ_x/dz",
        ("laser_alignment",),
    ),
)  # fmt: skip
