"""Seifert2014: 8 mW warm the 3 kg of copper of NIST-4's coil by 0.026 K within an hour, if nothing is lost."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from components.coil import Coil
from components.fields.materials import MATERIALS
from components.thermal_mass import ThermalMass
from tests.components.bench import given
from tests.published.values import published
from twin.component import Component, Port
from twin.field import Field, Shape
from twin.signal import Constant
from twin.twin import Twin

RESISTANCE, POWER, COPPER = 130.0, 8e-3, 3.0
"""Of the coil (ohm), in it (W), and of copper (kg), as printed."""
NOTHING = Field(Shape(np.zeros_like, np.zeros_like, np.zeros_like), Constant(0.0))


def heated(**coil: Any) -> Twin:
    """The coil on a thermal mass of its own, with the current that makes the power."""
    parts: dict[str, Component] = {
        "coil": Coil(resistance=RESISTANCE, **coil),
        "copper": ThermalMass(
            capacities={"coil": COPPER * MATERIALS["copper"].heat_capacity}, links=[], magnet=["coil"]
        ),
        "current": given(math.sqrt(POWER / RESISTANCE), Port("A")),
        "position": given(0.0, Port("m")),
        "field": given(NOTHING, Port("T*m", kind="field")),
    }
    wiring = {
        "coil.field": "field.y",
        "coil.current": "current.y",
        "coil.position": "position.y",
        "coil.temperature_rise": "copper.coil_temperature_rise",
        "copper.power": "coil.power",
    }
    return Twin(parts, wiring)


def test_coil_heating() -> None:
    twin = heated()
    assert float(twin.signal("coil.power")(0.0)) == pytest.approx(POWER, rel=1e-12)
    published()["seifert2014.coil_heating"].check(float(twin.signal("copper.coil_temperature_rise")(3600.0)))


def test_copper_that_gets_warmer_gets_warmer_faster() -> None:
    """With the temperature coefficient of copper: by half of what the resistance has gained."""
    plain, copper = (
        float(heated(**more).signal("copper.coil_temperature_rise")(3600.0))
        for more in ({}, {"resistance_temperature_coefficient": 3.93e-3})
    )
    assert copper / plain - 1 == pytest.approx(0.5 * 3.93e-3 * plain, rel=1e-3)
