"""The gap's field, the guide and the gradiometer: by their formulas, and by integrals that they do not use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from components.gap_field import GapField, density_near
from components.gradiometer import Gradiometer
from components.guide import Guide
from components.magnet import Magnet
from tests.components.bench import bench, given, path
from twin.component import Component, Port
from twin.errors import SimulationError
from twin.piece import ramp
from twin.signal import Constant
from twin.times import NS
from twin.twin import Twin

RADIUS, LENGTH = 0.217, 1265.0
GAP: dict[str, Any] = {"wire_length": LENGTH, "mean_radius": RADIUS}
PROFILE = [-6e-3, -0.16]
SPEED = 2e-3


def field_at(r: Any, z: Any, b0: float, b2: float) -> Any:
    """B(r, z) by the model, in plain numbers."""
    middle = 700.0 / LENGTH * (1 + PROFILE[0] * z + PROFILE[1] * z**2)
    return middle * (RADIUS + (r - RADIUS) * (b0 + b2 * z**2)) / r


def moved(part: Gradiometer, b0: float = 0.0, b2: float = 0.0, profile: list[float] | None = None) -> Twin:
    """From z = −20 mm to 20 mm within 20 s."""
    parts: dict[str, Component] = {
        "magnet": Magnet(bl=700.0, profile=PROFILE if profile is None else profile, temperature_coefficient=0.0),
        "gap": GapField(**GAP, radial_deviation=b0, radial_deviation_curvature=b2),
        "z": given(path(ramp(-0.02, 0.02, 0, 20 * NS), initial=-0.02), Port("m")),
        "coils": part,
        "zero": given(0.0, Port("K")),
    }
    wiring = {
        "magnet.temperature_rise": "zero.y",
        "gap.field": "magnet.field",
        "coils.density": "gap.density",
        "coils.deviation": "gap.deviation",
        "coils.gap_radius": "gap.radius",
        "coils.position": "z.y",
    }
    return Twin(parts, wiring)


def voltages(twin: Twin, port: str) -> Any:
    return twin.signal(f"coils.{port}").means(np.arange(1, 19) * NS, NS // 10)


# --- the gap ---------------------------------------------------------------------------------------------------------


def test_the_field_about_the_mean_radius() -> None:
    gap = GapField(**GAP, radial_deviation=-2e-3, radial_deviation_curvature=-18.0)
    field = Magnet(bl=700.0, profile=PROFILE).signals(temperature_rise=Constant(0.0))["field"]
    out = gap.signals(field=field)
    for r, z in ((RADIUS, 0.0), (0.210, 0.01), (0.225, -0.022)):
        height = Constant(z)
        density, deviation = (out[port].at(height) for port in ("density", "deviation"))
        found = float(density_near(out["radius"], Constant(r), density, deviation)(0.0))
        assert found == pytest.approx(float(field_at(r, z, -2e-3, -18.0)), rel=1e-13)


def test_a_millimetre_outward_costs_what_a_field_of_1_over_r_costs() -> None:
    assert field_at(RADIUS, 0.0, 0.0, 0.0) - field_at(RADIUS + 1e-3, 0.0, 0.0, 0.0) == pytest.approx(2.54e-3, rel=1e-2)


def test_the_deviation_has_the_integral_and_the_slope_of_its_value() -> None:
    gap = GapField(**GAP, radial_deviation=-2e-3, radial_deviation_curvature=-18.0)
    shape = gap.signals(field=Magnet(bl=700.0, profile=PROFILE).signals(temperature_rise=Constant(0.0))["field"])
    deviation, z = shape["deviation"].shape, np.linspace(-0.05, 0.05, 7)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    by_hand = 0.5 * z * (deviation.value(0.5 * z[:, None] * (1 + nodes)) @ weights)
    assert deviation.integral(z) == pytest.approx(by_hand, abs=1e-16)
    steps = (deviation.value(z + 1e-5) - deviation.value(z - 1e-5)) / 2e-5
    assert deviation.slope(z) == pytest.approx(steps, rel=1e-7, abs=1e-9)


def test_beyond_its_reach_nothing_is_known() -> None:
    gap = GapField(**GAP, radial_deviation=-2e-3, reach=0.03)
    shape = gap.signals(field=Magnet(bl=700.0).signals(temperature_rise=Constant(0.0))["field"])["deviation"].shape
    with pytest.raises(SimulationError, match=r"beyond the reach of 0\.03 m"):
        shape.integral(np.array([0.0, 0.031]))


# --- the gradiometer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset", "tilt"), [(0.0, 0.0), (2e-3, 0.0), (0.0, 5e-3), (2e-3, 5e-3)])
def test_a_coil_takes_up_the_flux_through_the_way_of_its_wire(offset: float, tilt: float) -> None:
    """By an integral along the wire of an eccentric, leaning coil with a height, B·(dl × v), in the field B(r, z)."""
    b0, b2, turns, height, half = -2e-3, -18.0, 50.0, 0.01, 0.006
    part = Gradiometer(turns=turns, radius=RADIUS + 5e-3, height=height, separation=2 * half, offset=offset, tilt=tilt)
    azimuth = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    around = RADIUS + 5e-3
    x, y = offset + around * np.cos(azimuth), around * np.sin(azimuth)
    r = np.hypot(x, y)
    through = (x * np.cos(azimuth) + y * np.sin(azimuth)) / r  # of the radial field, normal to the wire
    nodes, weights = np.polynomial.legendre.leggauss(4)
    z = -0.02 + SPEED * (np.arange(1, 19) + 0.05) - half
    places = z[:, None, None] + 0.5 * height * nodes[:, None] + around * tilt * np.sin(azimuth)
    flux = (field_at(r, places, b0, b2) * through).mean(axis=-1) * 2 * np.pi * around
    expected = turns * SPEED * (flux @ weights) / 2
    assert voltages(moved(part, b0, b2), "voltage") == pytest.approx(expected, rel=2e-9)


@pytest.mark.parametrize("wrong", [{"eccentricity": 0.2e-3}, {"skew": 0.3e-3}, {"offset": 0.5e-3}, {"tilt": 1e-3}])
def test_neither_concentricity_nor_parallelism_matters_in_first_order(wrong: dict[str, float]) -> None:
    """Twice as wrong is four times as much, and little: the slope of a millimetre is 6e-6."""
    base: dict[str, float] = {"turns": 100.0, "radius": RADIUS, "separation": 0.012}
    ((key, size),) = wrong.items()
    straight, once, twice = (
        voltages(moved(Gradiometer(**base, **({key: k * size} if k else {})), -1e-3, -18.6), "difference")
        for k in (0, 1, 2)
    )
    first = voltages(moved(Gradiometer(**base), -1e-3, -18.6), "voltage")
    assert np.abs((once - straight) / first).max() < 2e-8
    moved_by = np.abs((twice - straight) / first).max()
    if moved_by > 1e-12:
        assert twice - straight == pytest.approx(4 * (once - straight), rel=0.02, abs=1e-12 * float(first.max()))


def test_in_a_field_of_1_over_r_any_radius_sees_the_same() -> None:
    same = [
        voltages(moved(Gradiometer(turns=100.0, radius=RADIUS + d, separation=0.01, offset=-d)), "voltage")
        for d in (0.0, 4e-3, -7e-3)
    ]
    assert same[1] == pytest.approx(same[0], rel=1e-14)
    assert same[2] == pytest.approx(same[0], rel=1e-14)


def test_coils_of_other_radii_tell_the_deviation() -> None:
    part = Gradiometer(turns=100.0, radius=RADIUS, height=0.0, separation=0.0, radial_separation=8e-3)
    twin = moved(part, -1e-3, -18.6)
    z = -0.02 + SPEED * (np.arange(1, 19) + 0.05)
    ratio = voltages(twin, "difference") / voltages(twin, "voltage")
    assert ratio == pytest.approx(8e-3 / RADIUS * (-1e-3 - 18.6 * z**2), rel=1e-5, abs=3e-9)


def test_unequal_coils_show_a_slope_that_is_none() -> None:
    part = Gradiometer(turns=100.0, radius=RADIUS, separation=0.012, mismatch=1e-5)
    twin = moved(part, profile=[])
    assert voltages(twin, "difference") / voltages(twin, "voltage") == pytest.approx(np.full(18, 1e-5), rel=1e-9)


# --- the guide -------------------------------------------------------------------------------------------------------


def test_the_guide_walks_sideways() -> None:
    guide = Guide(centring=1e-4, walk_x=3e-3, bow_x=0.5, shift_error=0.01)
    twin = bench(guide)

    def go() -> Any:
        yield from guide.shift(2e-3, 1.0)
        yield from guide.move([ramp(0.0, 0.04, NS, 3 * NS)])

    _run(twin, go())
    assert float(twin.signal("part.position")(3.0)) == pytest.approx(0.04)
    expected = 1e-4 + 3e-3 * 0.04 + 0.5 * 0.04**2 + 1.01 * 2e-3
    assert float(twin.signal("part.x")(3.0)) == pytest.approx(expected, rel=1e-14)


def _run(twin: Twin, process: Any) -> None:
    from twin.steps import Step

    twin.run([Step("go", 3 * NS, lambda: process, "go")])


def test_the_guide_has_stops() -> None:
    guide = Guide(upper_stop=0.03)
    twin = bench(guide)
    with pytest.raises(SimulationError, match=r"goes to z = 0.04 m, beyond the stop at 0.03 m"):
        _run(twin, guide.move([ramp(0.0, 0.04, 0, NS)]))
    with pytest.raises(ValidationError, match="lower_stop below upper_stop"):
        Guide(lower_stop=0.0, upper_stop=0.0)
