"""Every effect of every shipped component can be switched off, and is then without a trace."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

import pytest

from twin.component import Component
from twin.parameter import neutral_of

REQUIRED: dict[str, dict[str, Any]] = {
    "coil": {"resistance": 100.0},
    "magnet": {"bl": 700.0},
    "resistor": {"resistance": 100.0},
    "test_mass": {"mass": 1.0},
    "thermal_mass": {"capacities": {"coil": 1.0, "magnet": 1.0}, "links": []},
}
EFFECTS = {
    "coil": {"resistance_temperature_coefficient", "inductance_curvature", "quadratic_current_coefficient"},
    "current_source": {"gain", "offset", "white_noise", "flicker_noise"},
    "environment": {"pressure", "temperature_noise", "pressure_noise", "humidity_noise"},
    "flexure": {"compliance", "stiffness"},
    "interferometer": {"gain", "offset", "white_noise", "flicker_noise"},
    "magnet": {"temperature_coefficient"},
    "mass_exchanger": set(),
    "resistor": {"gain", "drift", "offset", "white_noise", "flicker_noise"},
    "servo": set(),
    "test_mass": set(),
    "thermal_mass": set(),
    "thermometer": {"gain", "offset", "white_noise", "flicker_noise"},
    "voltage_reference": {"gain", "offset", "white_noise", "flicker_noise"},
    "voltmeter": {"gain", "offset", "white_noise", "flicker_noise"},
}


def kind_of(name: str) -> type[Component]:
    (found,) = entry_points(group="kibble_twin.components", name=name)
    loaded: type[Component] = found.load()
    return loaded


@pytest.mark.parametrize("name", EFFECTS)
def test_ideal_switches_every_effect_off_and_nothing_else(name: str) -> None:
    kind = kind_of(name)
    effects = {key: neutral_of(field) for key, field in kind.model_fields.items() if neutral_of(field) is not None}
    assert set(effects) == EFFECTS[name]
    part = kind(**REQUIRED.get(name, {}), **dict.fromkeys(effects, 1e-3))
    ideal = part.ideal()
    for key in kind.model_fields:
        expected = effects[key] if key in effects else getattr(part, key)
        assert getattr(ideal, key) == expected, key
    assert all(value == 0.0 for value in effects.values())


def test_every_shipped_component_is_here() -> None:
    assert {point.name for point in entry_points(group="kibble_twin.components")} >= set(EFFECTS)
