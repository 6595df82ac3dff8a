"""The motion stage: follows what it is told, with the errors of its screw, within its travel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.motion import sweeps
from components.motion_stage import MotionStage
from tests.components.bench import bench
from twin.errors import SimulationError
from twin.piece import constant, polynomial
from twin.times import NS


def moved(*laws: Any, **parameters: Any) -> tuple[Any, Any]:
    """Position and whether it is energised, of a stage that has followed these laws."""
    stage = MotionStage(**parameters)
    twin = bench(stage)
    twin.clock.run(stage.move(laws))
    return twin.signal("part.position"), twin.signal("part.energised")


UP = polynomial([0.0, 2e-3], 1 * NS, 6 * NS)


def test_it_follows_and_stays() -> None:
    position, energised = moved(UP)
    assert position(np.array([0.0, 3.0, 6.0, 9.0])) == pytest.approx([0.0, 4e-3, 1e-2, 1e-2], abs=1e-18)
    assert energised(np.array([0.5, 1.0, 5.9, 6.0, 7.0])).tolist() == [0.0, 1.0, 1.0, 0.0, 0.0]


def test_its_screw_has_a_scale_and_a_period() -> None:
    position, _ = moved(UP, gain=1e-3, periodic_error=2e-6, pitch=0.8e-3)
    t = np.linspace(1.0, 6.0, 57)
    s = 2e-3 * (t - 1.0)
    assert position(t) == pytest.approx(1.001 * s + 2e-6 * np.sin(2 * np.pi * s / 0.8e-3), rel=1e-12, abs=1e-15)
    h = 1e-6
    numerical = (position(t[1:-1] + h) - position(t[1:-1] - h)) / (2 * h)
    assert position.derivative()(t[1:-1]) == pytest.approx(numerical, rel=1e-6)


def test_pairs_of_sweeps_end_where_they_began() -> None:
    position, _ = moved(*sweeps(4.5e-3, 1e-3, 10.0, 1.0, 0, 2))
    assert position(np.array([10.0, 30.0, 40.0, 50.0])) == pytest.approx([9e-3, 9e-3, 0.0, 0.0], abs=1e-15)


@pytest.mark.parametrize(
    ("law", "limits", "expected"),
    [
        (UP, {"upper_limit": 9e-3}, "goes to z = 0.01 m, beyond the limit of its travel at 0.009 m"),
        (polynomial([0.0, -1e-3], 0, 3 * NS), {"lower_limit": -2e-3}, "goes to z = -0.003 m, beyond .* at -0.002 m"),
        (polynomial([1e-3, 1e-3], 0, NS), {}, "a motion starts at z = 0.001 m, but the stage is at 0 m"),
        (constant(0.0, 0), {}, "a motion has to end"),
    ],
)
def test_what_it_cannot_do(law: Any, limits: dict[str, float], expected: str) -> None:
    with pytest.raises(SimulationError, match=expected):
        moved(law, **limits)


def test_a_screw_that_goes_back_on_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="well below the pitch"):
        MotionStage(periodic_error=1e-4, pitch=1e-3)


def test_the_travel_scales_with_the_geometry() -> None:
    scaled = MotionStage(lower_limit=-0.02, periodic_error=1e-6).scaled(0.5)
    assert (scaled.lower_limit, scaled.upper_limit, scaled.periodic_error) == (-0.01, None, 1e-6)
