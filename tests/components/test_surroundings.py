"""What fluxgates see around the magnet and in its gap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from components.external_flux import ExternalFlux
from components.external_source import dipole_field
from components.fluxgate_ring import FluxgateRing
from components.surroundings import Surroundings
from tests.components.bench import bench, path, readings
from twin.piece import polynomial
from twin.signal import Constant, Signal
from twin.times import NS

COIL = {"turns": 1269, "radius": 85e-3}
EARTH = {"kind": "far", "vertical": 48e-6, "horizontal": 28e-6, "azimuth": 0.5}
NEAR = {"kind": "near", "direction": "horizontal", "r": 0.2, "z": 0.05, "azimuth": 1.0, "shielding": 50.0}
T = np.array([0.5, 3.0])


def around(
    magnet: Signal | float = 0.0, stage: Signal | float = 0.0, energised: float = 1.0, more: Any = None, **sources: Any
) -> Surroundings:
    part = ExternalFlux(**COIL, **(more or {}), sources=sources)
    given = {"magnet_position": magnet, "stage": stage, "energised": energised}
    signals = {port: Constant(x) if isinstance(x, float) else x for port, x in given.items()}
    found: Surroundings = part.signals(**signals)["surroundings"]
    return found


# --- dipoles ---------------------------------------------------------------------------------------------------------


def test_a_dipole_upward_on_its_axis_and_beside_it() -> None:
    """µ0 m/(2π d³) along it, and −µ0 m/(4π d³) beside it; downward and inward count."""
    m, d = 2.0, 0.3
    assert dipole_field((0.0, m), 0.0, (0.0, 0.0, d)) == pytest.approx((0.0, -2e-7 * m / d**3), abs=1e-20)
    assert dipole_field((0.0, m), 0.0, (d, 0.0, 0.0)) == pytest.approx((0.0, 1e-7 * m / d**3), abs=1e-20)
    inward, downward = dipole_field((m, 0.0), 0.0, (d, 0.0, 0.0))
    assert (inward, downward) == pytest.approx((-2e-7 * m / d**3, 0.0), abs=1e-20)


def test_it_has_no_sources_but_itself() -> None:
    """The flux out of a cylinder about the axis that does not hold it is 0: through the side and both ends."""
    moment, centre, radius = (0.7, -1.3), (0.3, 0.0, 0.05), 0.1
    x, w = np.polynomial.legendre.leggauss(24)
    theta = 2 * np.pi * np.arange(64) / 64

    def at(r: Any, angle: Any, z: Any) -> Any:
        place = r * np.cos(angle) - centre[0], r * np.sin(angle), z - centre[2]
        return dipole_field(moment, angle, place)

    z, r = 0.08 * x, 0.5 * radius * (x + 1.0)
    side = sum(0.08 * b * float(np.mean(-at(radius, theta, a)[0])) for a, b in zip(z, w, strict=True))
    ends = [
        sum(0.5 * radius * b * a * float(np.mean(at(a, theta, h)[1])) for a, b in zip(r, w, strict=True))
        for h in (0.08, -0.08)
    ]
    total = 2 * math.pi * radius * side + 2 * math.pi * (ends[1] - ends[0])
    assert abs(total) < 1e-9 * abs(2 * math.pi * ends[0])


# --- in the room -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0.0, 2.0])
def test_a_far_field_without_a_yoke_is_the_same_everywhere(angle: float) -> None:
    room = around(earth=EARTH)
    for z in (Constant(0.0), path(polynomial([0.0, 1e-2], 0, 10 * NS))):
        assert room.in_room(angle, z, 0.16, "radial")(T) == pytest.approx(-28e-6 * math.cos(angle - 0.5), rel=1e-14)
        assert room.in_room(angle, z, 0.16, "vertical")(T) == pytest.approx(48e-6, rel=1e-14)


def test_what_the_yoke_adds_moves_with_the_magnet() -> None:
    """A sensor that stays and a magnet that goes up see what one that goes down past a magnet at rest does."""
    up, down = (path(polynomial([0.0, v], 0, 10 * NS)) for v in (2e-3, -2e-3))
    volume = {"yoke_volume": 6.84e-3}
    for axis in ("radial", "vertical"):
        moved = around(magnet=up, more=volume, earth=EARTH).in_room(0.3, Constant(0.02), 0.16, axis)  # type: ignore[arg-type]
        still = around(more=volume, earth=EARTH).in_room(0.3, 0.02 + down, 0.16, axis)  # type: ignore[arg-type]
        assert moved(T) == pytest.approx(still(T), rel=1e-12)
        assert np.ptp(moved(T)) > 1e-8


def test_a_source_that_is_carried_or_switched() -> None:
    up = path(polynomial([0.0, 1e-2], 0, 10 * NS))
    carried = around(stage=up, near={**NEAR, "carried": True}).in_room(0.3, Constant(0.02), 0.16, "radial")
    still = around(near=NEAR).in_room(0.3, 0.02 - up, 0.16, "radial")
    assert carried(T) == pytest.approx(still(T), rel=1e-12)
    off = around(energised=0.0, near={**NEAR, "appears": "moving"}).in_room(0.3, Constant(0.0), 0.16, "radial")
    assert off(T).tolist() == [0.0, 0.0]


# --- in the gap ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [EARTH, NEAR])
def test_the_gap_has_the_distribution_of_the_source(source: dict[str, Any]) -> None:
    gap = around(s=source)
    for angle in (0.0, 1.0, 4.0):
        expected = float(gap.flux.distribution("s", 2e-3).at(angle))
        assert gap.in_gap(angle, 2e-3, 85e-3)(T) == pytest.approx(expected, rel=1e-6)


# --- the ring --------------------------------------------------------------------------------------------------------


def read(ring: FluxgateRing, surroundings: Surroundings, **inputs: Any) -> list[Any]:
    twin = bench(ring, surroundings=surroundings, **inputs)
    twin.clock.run(ring.read(readings(1.0, 400), {"phase": "survey"}))
    return list(twin.recorder.readings)


def test_a_ring_reads_each_of_its_fluxgates() -> None:
    offsets = [1e-6, 2e-6, 3e-6, 4e-6, 5e-6, 6e-6]
    blocks = read(FluxgateRing(radius=0.16, offsets=offsets, gain=1e-3), around(earth=EARTH))
    assert [block.labels["sensor"] for block in blocks] == list(range(6))
    for block, offset in zip(blocks, offsets, strict=True):
        angle = float(block.labels["azimuth"])
        assert block.values == pytest.approx(1.001 * (-28e-6 * math.cos(angle - 0.5) + offset), rel=1e-12)
        assert (block.unit, block.quantity) == ("T", "field")


def test_the_noise_of_each_is_its_own() -> None:
    blocks = read(FluxgateRing(radius=0.16, white_noise=1.5e-9), around(earth=EARTH))
    noise = np.array([block.values.ravel() for block in blocks])
    noise -= noise.mean(axis=1, keepdims=True)
    assert noise.std(axis=1) == pytest.approx(np.full(6, 1.5e-9 / math.sqrt(2)), rel=0.15)
    correlation = np.corrcoef(noise) - np.eye(6)
    assert np.abs(correlation).max() < 0.2


def test_a_ring_that_is_carried_along_goes_up() -> None:
    up = path(polynomial([0.0, 1e-4], 0, 500 * NS))
    near = around(near={**NEAR, "direction": "vertical"})
    (moving, *_), (still, *_) = (read(FluxgateRing(radius=0.16), near, position=z) for z in (up, 0.0))
    assert np.ptp(still.values) < 1e-18
    assert np.ptp(moving.values) > 1e-8


def test_beyond_the_range_there_is_no_reading() -> None:
    blocks = read(FluxgateRing(radius=0.16, range=20e-6), around(earth={**EARTH, "azimuth": 0.0}))
    assert [bool(np.isnan(block.values).all()) for block in blocks] == [True, False, False, True, False, False]
