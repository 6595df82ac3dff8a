"""Alignment: the coupling is the power that the weighing does not see, and motions go with the travel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.alignment import Alignment
from tests.components.bench import bench, path
from twin.piece import ramp
from twin.signal import Constant
from twin.times import NS

PAIRS = [
    ({"coil_tilt_x": 2e-4, "drift_x": 5e-4}, 5e-8),
    ({"coil_tilt_y": 2e-4, "drift_y": -5e-4}, -5e-8),
    ({"coil_offset_y": 1e-4, "roll_x": 3e-3}, 3e-7),
    ({"coil_offset_x": 1e-4, "roll_y": 3e-3}, -3e-7),
]


def askew(rng: np.random.Generator) -> Alignment:
    values = 1e-3 * rng.standard_normal(8)
    return Alignment(**dict(zip(list(Alignment.model_fields)[-8:], values.tolist(), strict=True)))


@pytest.mark.parametrize("seed", range(5))
def test_the_coupling_is_the_power_of_all_but_the_vertical_motion(seed: int) -> None:
    """(F · v + Γ · ω)/(F_z v_z) − 1, from vectors: F of a tilted coil, Γ = r × F about the centre of mass."""
    rng = np.random.default_rng(seed)
    part = askew(rng)
    f_z, v_z = rng.uniform(1.0, 5.0), rng.uniform(1e-4, 1e-3)
    force = f_z * np.array([0.5 * part.coil_tilt_x, 0.5 * part.coil_tilt_y, 1.0])
    torque = np.cross([part.coil_offset_x, part.coil_offset_y, 0.0], force)
    motion = bench(part, position=path(ramp(0.0, v_z, 0, NS)))
    slopes = {port: float(motion.signal(f"part.{port}")(1.0)) for port in ("x", "y", "theta_x", "theta_y")}
    velocity = np.array([slopes["x"], slopes["y"], v_z])
    rotation = np.array([slopes["theta_x"], slopes["theta_y"], 0.0])
    power = force @ velocity + torque @ rotation
    assert motion.signal("part.coupling")(0.0) == pytest.approx(power / (f_z * v_z) - 1.0, abs=1e-15)


@pytest.mark.parametrize(("pair", "coupling"), PAIRS)
def test_each_misalignment_needs_its_motion(pair: dict[str, float], coupling: float) -> None:
    assert Alignment(**pair).coupling == pytest.approx(coupling, rel=1e-14)
    for name in pair:
        assert Alignment(**{**pair, name: 0.0}).coupling == 0.0


@pytest.mark.parametrize("cause", ["coil_tilt_x", "coil_tilt_y", "coil_offset_x", "coil_offset_y"])
@pytest.mark.parametrize("motion", ["drift_x", "drift_y", "roll_x", "roll_y"])
def test_no_misalignment_meets_another_ones_motion(cause: str, motion: str) -> None:
    together = any({cause, motion} == set(pair) for pair, _ in PAIRS)
    assert (Alignment(**{cause: 1e-3, motion: 1e-3}).coupling != 0.0) == together


@pytest.mark.parametrize(
    ("port", "figure"), [("x", "drift_x"), ("y", "drift_y"), ("theta_x", "roll_x"), ("theta_y", "roll_y")]
)
def test_a_parasitic_motion_goes_with_the_travel(port: str, figure: str) -> None:
    twin = bench(Alignment(**{figure: 2e-3}), position=path(ramp(-1e-2, 1e-2, 0, NS)))
    assert twin.signal(f"part.{port}")(np.array([0.0, 0.5, 1.0])) == pytest.approx([-2e-5, 0.0, 2e-5], abs=1e-19)
    others: list[Any] = [twin.signal(f"part.{p}") for p in ("x", "y", "theta_x", "theta_y") if p != port]
    assert all(isinstance(signal, Constant) and signal.value == 0.0 for signal in others)


def test_aligned_there_is_nothing_of_it_in_the_graph() -> None:
    straight = askew(np.random.default_rng(0)).ideal()
    assert straight == Alignment()
    assert straight.neutral_inputs() == {"position", "stage"}
    assert Alignment(roll_y=1e-3).neutral_inputs() == frozenset()
    twin = bench(straight, position=path(ramp(0.0, 1.0, 0, NS)))
    for port in Alignment.outputs:
        signal = twin.signal(f"part.{port}")
        assert isinstance(signal, Constant)
        assert signal.value == 0.0


def test_the_force_on_a_tilted_coil_in_a_radial_field() -> None:
    """∮ dl × B round a circle that leans toward +x, in a field that falls as 1/r: half the lean goes sideways."""
    lean, phi = 1e-4, np.linspace(0.0, 2 * np.pi, 2000, endpoint=False)
    circle = np.stack([np.cos(phi), np.sin(phi), -lean * np.cos(phi)])
    along = np.stack([-np.sin(phi), np.cos(phi), lean * np.sin(phi)])
    field = np.stack([circle[0], circle[1], 0 * phi]) / (circle[0] ** 2 + circle[1] ** 2)
    force = np.cross(along, field, axis=0).sum(axis=1)
    assert force[0] / force[2] == pytest.approx(0.5 * lean, rel=1e-6)
    part = Alignment(coil_tilt_x=lean, drift_x=1.0)
    assert part.coupling == pytest.approx(force[0] / force[2], rel=1e-6)


def test_the_work_on_a_coil_off_the_axis_of_a_radial_field() -> None:
    """∮ dl × B of a circle off the axis: as it turns about its own middle while it rises, the force does the work of
    its centre of force, which is off the middle by half of that, the other way."""
    off, roll, phi = 1e-3, 3e-3, np.linspace(0.0, 2 * np.pi, 2000, endpoint=False)
    place = np.stack([np.cos(phi), np.sin(phi), 0 * phi])  # from the middle
    along = np.stack([-np.sin(phi), np.cos(phi), 0 * phi])
    x, y = place[0] + off, place[1]
    field = np.stack([x, y, 0 * phi]) / (x**2 + y**2)
    force = np.cross(along, field, axis=0)
    motion = np.cross([0.0, roll, 0.0], place, axis=0) + np.array([[0.0], [0.0], [1.0]])
    added = float((force * motion).sum() / force[2].sum()) - 1.0
    part = Alignment(coil_offset_x=-0.5 * off, roll_y=roll)
    assert part.coupling == pytest.approx(added, rel=1e-3)
    assert added > 0
