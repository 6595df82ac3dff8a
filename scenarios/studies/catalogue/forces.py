"""The mass and the forces on it: air, gravity, stray field, exchanger and hinge."""

from __future__ import annotations

from functools import partial

import numpy as np

from components.air import air_density
from components.gravity import tide
from components.refractive_index import refractive_index
from components.test_mass import MU_0
from scenarios.studies.case import Case
from scenarios.studies.effects import Effect

AIR = {"environment.pressure": 101325.0}
STRAY = {"magnet.stray_field": 1e-3, "magnet.stray_gradient": 1e-2}
FLAT: dict[str, list[float]] = {"magnet.profile": []}


def density(case: Case, warmer: float = 0.0, denser: float = 0.0, moister: float = 0.0) -> float:
    """Of the air (kg/m³), as a station with these errors (K, Pa, 1) makes it out."""
    room = case.parts["environment"]
    return float(air_density(room.temperature + warmer, room.pressure + denser, room.humidity + moister))


def index(case: Case, warmer: float = 0.0, denser: float = 0.0, moister: float = 0.0) -> float:
    """Refractive index of the air, as a station with these errors (K, Pa, 1) makes it out."""
    room = case.parts["environment"]
    return float(refractive_index(room.temperature + warmer, room.pressure + denser, room.humidity + moister))


def _buoyancy(case: Case) -> float:
    return -density(case) / float(case.parts["test_mass"].density)


def _swollen(case: Case) -> float:
    """Of a volume at the reference temperature."""
    room = case.parts["environment"]
    warmer = float(room.temperature - room.reference_temperature)
    return float(case.parts["test_mass"].expansion) * warmer * _buoyancy(case)


def of_station(case: Case, warmer: float, denser: float, moister: float) -> float:
    """What errors of the station (K, Pa, 1) leave of buoyancy and refraction."""
    errors = warmer, denser, moister
    lighter = (density(case, *errors) - density(case)) / float(case.parts["test_mass"].density)
    return lighter + index(case, *errors) / index(case) - 1.0


def _station(case: Case) -> float:
    room = case.parts["environment"]
    return of_station(case, room.temperature_offset, room.pressure_offset, room.humidity_offset)


def _equation(case: Case) -> float:
    """Of an equation of the air that is wrong."""
    room = case.parts["environment"]
    return float(room.air_density_error) * _buoyancy(case) - float(room.refractive_index_error) / index(case)


def _exchanger(case: Case) -> float:
    return float(case.parts["mass_exchanger"].parts_mass) / case.result.true.mass_kg


def _lighter_parts(case: Case) -> float:
    """Buoyancy of the mass and of the exchanger's parts beside it; the weight of the parts is taken off."""
    parts = case.parts["mass_exchanger"]
    share = float(parts.parts_mass) / case.result.true.mass_kg
    return _buoyancy(case) - share * density(case) / float(parts.parts_density)


def _magnetic(case: Case) -> float:
    mass, magnet = case.parts["test_mass"], case.parts["magnet"]
    pull = (mass.susceptibility * magnet.stray_field / MU_0 + mass.magnetisation) * magnet.stray_gradient
    return -float(pull) / (mass.density * case.gravity)


def _transfer(case: Case) -> float:
    room = case.parts["environment"]
    return float(room.gravity_transfer + room.gravity_gradient * room.gravity_height) / case.gravity


def _tide(case: Case) -> float:
    inside = np.linspace(case.windows[..., 0], case.windows[..., 1], 9, axis=-1)
    return case.relative_error(tide(inside, case.parts["environment"].tide).mean(axis=-1) / case.gravity)


def _hinge(case: Case) -> float:
    hinge = case.parts["flexure"]
    return float(hinge.stiffness * hinge.compliance)


def _after_effect(case: Case) -> float:
    """The hinge has rested elsewhere: what is left of its force, averaged over each weighing and freed of drift."""
    hinge, z = case.parts["after_effect"], float(case.parts["flexure"].weighing_position)
    force = np.zeros(case.windows.shape[:2])
    for tau, weight in zip(hinge.time_constants, hinge.weights, strict=True):
        left = -np.diff(np.exp(-case.windows / tau), axis=-1)[..., 0] * tau / np.ptp(case.windows[0, 0])
        force += hinge.stiffness * hinge.defect * (z - hinge.rest) * weight * left
    return case.force_error(force)


STATION = partial(
    Effect, bias=_station, formula="(ρ_a(shown) − ρ_a)/ρ_m + n(shown)/n − 1"
)  # the corrections themselves go by what the station shows

FORCES: tuple[Effect, ...] = (
    Effect("air buoyancy", AIR, _buoyancy, "−ρ_a/ρ_m", ("buoyancy",)),
    Effect("thermal expansion of the mass", {**AIR, "test_mass.expansion": 4.8e-5, "environment.temperature": 300.15},
           _swollen, "−ρ_a/ρ_m γ ΔT", ("mass_expansion",)),
    Effect("air buoyancy of the tare", {**AIR, "test_mass.tare_density": 2700.0}, 0.0, "0: on and off alike"),
    STATION("thermometer of the station", {**AIR, "environment.temperature_offset": 0.1},
            certified=("environment.temperature_offset",)),
    STATION("barometer of the station", {**AIR, "environment.pressure_offset": 20.0},
            certified=("environment.pressure_offset",)),
    STATION("hygrometer of the station", {**AIR, "environment.humidity_offset": 0.05},
            certified=("environment.humidity_offset",)),
    Effect("equation of the density", {**AIR, "environment.air_density_error": 1e-3}, _equation, "−δ ρ_a/ρ_m",
           certified=("environment.air_density_error",)),
    Effect("equation of the refractive index", {**AIR, "environment.refractive_index_error": 1e-6}, _equation, "−δn/n",
           certified=("environment.refractive_index_error",)),
    Effect(
        "parts of the exchanger on the pan", {"mass_exchanger.parts_mass": 1e-4}, _exchanger, "m_p/m",
        ("exchanger_parts",),
    ),
    Effect(
        "air buoyancy of these parts", {**AIR, "mass_exchanger.parts_mass": 0.1}, _lighter_parts,
        "−ρ_a/ρ_m − (m_p/m) ρ_a/ρ_p", ("buoyancy",),
    ),
    Effect(
        "susceptibility of the mass", {"test_mass.susceptibility": 4e-3, **STRAY}, _magnetic, "−χ B B'/(µ0 ρ_m g)",
        ("magnetic_force",),
    ),
    Effect(
        "magnetisation of the mass", {"test_mass.magnetisation": 2.0, **STRAY}, _magnetic, "−M B'/(ρ_m g)",
        ("magnetic_force",),
    ),
    Effect("susceptibility of the tare", {"test_mass.tare_susceptibility": 4e-3, **STRAY}, 0.0, "0: on and off alike"),
    Effect("magnetisation of the tare", {"test_mass.tare_magnetisation": 20.0, **STRAY}, 0.0, "0: on and off alike"),
    Effect("transfer of gravity", {"environment.gravity_transfer": 2e-5}, _transfer, "δg/g", ("gravity_transfer",)),
    Effect(
        "vertical gradient of gravity", {"environment.gravity_gradient": -3.086e-6, "environment.gravity_height": 1.2},
        _transfer, "h ∂g/∂z/g", ("gravity_transfer",),
    ),
    Effect(
        "tide", {"environment.tide": [{"amplitude": 1e-6, "period": 44714.0, "phase": 0.3}]}, _tide, "δg(t_w)/g",
        ("tide",),
    ),
    Effect(
        "stiffness of the hinge", {"flexure.stiffness": 10.0, "flexure.compliance": 1e-6, **FLAT}, _hinge, "K Δz/(m g)",
        ("stiffness",),
    ),
    Effect(
        "after-effect of the hinge", {"after_effect.defect": 1e-5, "after_effect.stiffness": 100.0,
                                      "after_effect.time_constants": [600.0], "after_effect.weights": [1.0],
                                      "after_effect.rest": -1.0, **FLAT},
        _after_effect, "K δ Δz e^(−t_w/τ)/(m g), less drift", ("after_effect",),
    ),
)  # fmt: skip
