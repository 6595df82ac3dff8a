"""Ma2025: what external flux does to the mass, and how much of it may be there."""

from __future__ import annotations

from typing import Any

import pytest

import scenarios
from components.external_flux import ExternalFlux
from components.external_source import field_limit
from scenarios.run.result import Result
from tests.published.values import published

EARTH = {"kind": "far", "vertical": 48e-6, "horizontal": 28e-6}
GAMMA_MAX = {"V_r160_z-90": 9.22e-6, "H_r160_z0": 9.51e-6, "V_r0_z-140": 5.83e-6, "H_r0_z-140": 2.65e-6}
"""Ma2025, table of near-end sources at 50 mm: relative to the source's surface field."""
PLACES: dict[str, dict[str, Any]] = {
    "V_r160_z-90": {"direction": "vertical", "r": 0.160, "z": -0.090},
    "H_r160_z0": {"direction": "horizontal", "r": 0.160, "z": 0.0},
    "V_r0_z-140": {"direction": "vertical", "r": 0.0, "z": -0.140},
    "H_r0_z-140": {"direction": "horizontal", "r": 0.0, "z": -0.140},
}


def weighed(coupling: str, **keys: Any) -> Result:
    """1 kg, ideal but for the Earth's field, at 1 mm from the symmetry plane."""
    short = {"campaign.cycles": 2, "campaign.velocity.pairs": 3, "thermal.start": "ambient"}
    flux = {"balance.external_flux": {"sources": {"earth": EARTH}, "coupling": coupling}}
    at = {"balance.flexure.weighing_position": 1e-3}
    return scenarios.load("tsinghua_magnet_moving_tmtp").ideal().with_({**short, **flux, **at, **keys}).run()


def test_a_moving_magnet_in_the_earths_field() -> None:
    row = published()["ma2025.far_vertical.epsilon_per_mm"]
    row.check(-weighed("published").relative_error)
    assert abs(weighed("flux").relative_error) < 1e-12  # translation invariance
    assert abs(weighed("published", **{"campaign.moves": "coil"}).relative_error) < 1e-12


def test_a_horizontal_field_has_no_mean() -> None:
    part = ExternalFlux(turns=1269, radius=85e-3, sources={"earth": {**EARTH, "vertical": 0.0}})
    around = part.distribution("earth")
    published()["ma2025.far_horizontal.mean"].check(around.mean)
    assert around.peak == pytest.approx(28e-6 / 170)
    assert part.epsilon(400.0, 1e-3) == 0.0


@pytest.mark.parametrize("place", PLACES)
def test_the_limits_for_an_error_of_1e_8(place: str) -> None:
    """And a source of that strength does no more: its mean, which acts, is at most its peak."""
    row = published()[f"ma2025.limit.{place}"]
    limit = field_limit(GAMMA_MAX[place], 0.59, 1e-8)
    row.check(limit)
    source = {"kind": "near", **PLACES[place], "attenuation": GAMMA_MAX[place], "surface_field": limit}
    part = ExternalFlux(turns=1269, radius=85e-3, sources={"near": source})
    assert part.distribution("near").peak == pytest.approx(0.59e-8, rel=1e-3)
    error = abs(part.epsilon(0.59 * part.wire_length))
    assert error <= 1.001e-8
    if place.startswith("H_r0"):
        assert error == pytest.approx(0.0, abs=1e-20)
    if place.startswith("V_r0"):
        assert error == pytest.approx(1e-8, rel=1e-3)


def test_a_moving_magnet_in_the_earths_field_by_omtp() -> None:
    """Of any scheme (sec. III-B): the error is that of the velocity phase, with either winding."""
    short = {"campaign.cycles": 4, "campaign.velocity.pairs": 3, "campaign.hold": 130.0, "campaign.ramp": 40.0}
    at = {"thermal.start": "ambient", "balance.flexure.weighing_position": 1e-3}
    by_omtp = scenarios.load("tsinghua_magnet_moving_omtp").ideal().with_({**short, **at})

    def error(coupling: str, moves: str = "magnet") -> float:
        flux = {"balance.external_flux": {"sources": {"earth": EARTH}, "coupling": coupling}, "campaign.moves": moves}
        return by_omtp.with_(flux).run().relative_error

    published()["ma2025.far_vertical.epsilon_per_mm"].check(-error("published"))
    assert abs(error("flux")) < 1e-12
    assert abs(error("published", moves="coil")) < 1e-12
