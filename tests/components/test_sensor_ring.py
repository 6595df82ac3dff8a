"""The ring: six sensors by azimuth, along the axis that they are mounted for, at rest or with the stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.flux_density import Contribution, FluxDensity
from components.sensor_ring import SensorRing
from tests.components.bench import bench, path
from twin.piece import polynomial
from twin.signal import Constant
from twin.times import NS


def law(radius: float, azimuth: float, in_magnet: Any, _: Any) -> Any:
    return radius + azimuth + 0.0 * in_magnet, 100.0 * in_magnet


FIELD = FluxDensity([Contribution(law, 2.0, Constant(0.0), Constant(0.0))])


def mounted(*arguments: Any, **parameters: Any) -> Any:
    ring = SensorRing(radius=0.16, **parameters)
    twin = bench(ring, density=FIELD, stage=path(polynomial([0.0, 1e-3], 0, 10 * NS)))
    if arguments:
        twin.clock.run(ring.mount(*arguments))
    return twin


def test_they_stand_at_60_degrees() -> None:
    twin = mounted(azimuth=0.1)
    found = [float(twin.signal(f"part.field_{k}")(3.0)) for k in range(1, 7)]
    assert found == pytest.approx(2 * (0.16 + 0.1 + 2 * np.pi * np.arange(6) / 6))


@pytest.mark.parametrize(("carried", "expected"), [(False, -17.0), (True, -16.0)])
def test_they_move_with_the_stage_if_it_carries_them(carried: bool, expected: float) -> None:
    twin = mounted("vertical", -85e-3, carried, 1.0)
    assert twin.signal("part.field_4")(5.0) == pytest.approx(expected)
    assert mounted("vertical", -85e-3, carried, 1.0, height_error=1e-3).signal("part.field_4")(5.0) == pytest.approx(
        expected + 0.2
    )


def test_without_a_field_they_see_none_and_it_scales() -> None:
    twin = bench(SensorRing(radius=0.16), stage=0.0, density=0.0)
    assert twin.signal("part.field_1")(0.0) == 0.0
    assert SensorRing(radius=0.16).scaled(0.5).radius == 0.08
