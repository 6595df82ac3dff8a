"""Every effect of every shipped component can be switched off, and is then without a trace."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

import pytest

from twin.component import Component
from twin.parameter import neutral_of

REQUIRED: dict[str, dict[str, Any]] = {
    "circuit": {"nominal_resistance": 100.0},
    "coil": {"resistance": 100.0, "inductance": 1.0},
    "dynamic_servo": {"moving_mass": 1.0, "bl": 700.0},
    "gap_field": {"wire_length": 100.0, "mean_radius": 0.1},
    "gradiometer": {"turns": 100.0, "radius": 0.1, "separation": 0.01},
    "magnet": {"bl": 700.0},
    "mass_set": {"mass": 1.0},
    "motion_stage": {"pitch": 1.0},
    "resistor": {"resistance": 100.0},
    "test_mass": {"mass": 1.0},
    "thermal_mass": {"capacities": {"coil": 1.0, "magnet": 1.0}, "links": []},
    "voltmeter": {"range": 10.0},
}


def words(text: str) -> set[str]:
    return set(text.split())


READING = words("gain offset gain_drift offset_drift white_noise flicker_noise random_walk resolution")
"""Of whatever measures."""
EFFECTS = {
    "after_effect": words("defect"),
    "alignment": words("coil_tilt_x coil_tilt_y coil_offset_x coil_offset_y drift_x drift_y roll_x roll_y"),
    "circuit": words("leakage lead_resistance thermal_emf thermal_emf_drift capacitance inductance"),
    "coil": words(
        "resistance_temperature_coefficient inductance_curvature quadratic_current_coefficient yoke_inductance parts "
        "expansion radial_deviation mutual_curvature mutual_quadratic_coefficient"
    ),
    "clamp": words(""),
    "compensating_source": words("gain offset white_noise flicker_noise temperature_coefficient"),
    "current_source": words("gain offset white_noise flicker_noise temperature_coefficient"),
    "displacement_sensor": READING | words("nonlinearity"),
    "driven_exchanger": words("parts_mass"),
    "dynamic_servo": words("sensor_noise hand_over_force"),
    "environment": words(
        "temperature_drift temperature_swing pressure pressure_drift gravity_transfer gravity_gradient tide "
        "air_density_error refractive_index_error "
        "temperature_offset pressure_offset humidity_offset temperature_noise pressure_noise humidity_noise"
    ),
    "external_flux": words("sources leakage_multipoles ambient_gain"),
    "flexure": words("compliance stiffness"),
    "fluxgate": READING | words("offset_temperature_coefficient"),
    "gap_field": words("radial_deviation radial_deviation_curvature"),
    "gradiometer": words("mismatch flexing offset eccentricity tilt skew"),
    "ground_vibration": words("coil_share magnet_share reference_share resonances"),
    "guide": words("centring walk_x bow_x shift_error"),
    "hall_probe": READING | words("tilt"),
    "hinge": words("compliance stiffness"),
    "hysteresis": words("share"),
    "interferometer": READING
    | words(
        "nonlinearity laser_drift dead_path verticality_x verticality_y abbe_offset_x abbe_offset_y time_base_error "
        "trigger_latency"
    ),
    "interfering_magnet": words("height_error"),
    "magnet": words("temperature_coefficient stray_field stray_gradient"),
    "mass_exchanger": words("parts_mass"),
    "mass_set": words("expansion susceptibility magnetisation tare_susceptibility tare_magnetisation"),
    "motion_stage": words("gain periodic_error"),
    "position_detector": READING
    | words("rotation_offset rotation_white_noise rotation_flicker_noise rotation_resolution"),
    "resistor": words("gain drift offset white_noise flicker_noise temperature_coefficient power_coefficient"),
    "sensor_ring": words("height_error"),
    "servo": words(""),
    "shunt": words(""),
    "stop": words(""),
    "support": words("compliance"),
    "switch_box": words("contact_emf"),
    "switched_servo": words(""),
    "test_mass": words("expansion susceptibility magnetisation tare_susceptibility tare_magnetisation"),
    "thermal_mass": words(""),
    "thermometer": READING | words("ice_resistance_error alpha_error self_heating"),
    "voltage_reference": words(
        "gain offset white_noise flicker_noise drift pressure_coefficient temperature_coefficient"
    ),
    "voltmeter": READING
    | words(
        "digits noise_table nonlinearity input_conductance bias_current trigger_latency trigger_jitter time_base_error"
    ),
    "yoke": words("gap_reluctance"),
}


def kind_of(name: str) -> type[Component]:
    (found,) = entry_points(group="kibble_twin.components", name=name)
    loaded: type[Component] = found.load()
    return loaded


@pytest.mark.parametrize("name", EFFECTS)
def test_ideal_switches_every_effect_off_and_nothing_else(name: str) -> None:
    kind = kind_of(name)
    effects = {key: neutral_of(field) for key, field in kind.model_fields.items() if neutral_of(field) is not None}
    assert set(effects) == EFFECTS[name] | {"uncertainties"}
    numbers = {key: 1e-3 for key, neutral in effects.items() if neutral == 0.0}
    part = kind(**{**REQUIRED.get(name, {}), **numbers, "uncertainties": {}})
    ideal = part.ideal()
    for key in kind.model_fields:
        expected = effects[key] if key in effects else getattr(part, key)
        assert getattr(ideal, key) == expected, key
    assert all(value in (0.0, [], {}) for value in effects.values())


def test_every_shipped_component_is_here() -> None:
    assert {point.name for point in entry_points(group="kibble_twin.components")} == set(EFFECTS)
