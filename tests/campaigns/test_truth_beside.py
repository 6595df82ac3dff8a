"""What a campaign measures stands with an uncertainty and, where the twin knows it, beside its truth."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.run.measured import Measured, true_values

BENT = {"balance.magnet.profile": [0.05, -3.0]}
"""A field that is neither level nor straight."""
BRIEF: dict[str, dict[str, Any]] = {
    "nist4_gradiometer": {"campaign.pairs": 2},
    "nist4_gradiometer, bent": {"campaign.pairs": 2, **BENT},
    "nist4_hall_probe": {},
    "nist4_hall_probe, bent": BENT,
    "nist4_inductance": {"campaign.points": 5},
    "nist4_noise": {},
    "tsinghua_gap_survey": {},
    "tsinghua_environment_survey": {"campaign.cycles": 3},
    "tsinghua_induced_voltage": {},
    "tsinghua_induced_voltage_source": {},
    "small_magnet_tmtp": {"campaign.settling": 3, "campaign.cycles": 2},
    "moving_mode": {},
}
SET = {
    "position_m", "positions_m", "azimuth_rad", "radial_heights_m", "height_m", "at_frequencies_Hz", "frequencies_Hz",
    "profile_frequencies_Hz", "amplitudes_m", "period_s", "drift_order", "resolution_Hz", "averages",
}  # fmt: skip
"""Where and with what was measured: set, not found."""
ITSELF = ("uncertainty_readings_T_per_m", "uncertainty_centring_T_per_m")
"""Uncertainties themselves."""


@lru_cache(maxsize=1)
def run(name: str) -> Measured:
    result = scenarios.load(name.partition(",")[0]).with_(BRIEF[name]).run()
    assert isinstance(result, Measured)
    return result


@pytest.mark.parametrize("name", BRIEF)
def test_what_is_measured_has_an_uncertainty_and_agrees_with_the_truth(name: str) -> None:
    result = run(name)
    for quantity in result.findings.quantities:
        if (
            not any(quantity.key == key or quantity.key.endswith(f"_{key}") for key in SET)
            and quantity.key not in ITSELF
        ):
            assert quantity.u is not None, quantity.key
            assert np.shape(quantity.u) == np.shape(quantity.value), quantity.key
    compared = 0
    for key, true in result.true.items():
        if key not in result.findings.plain():
            continue
        quantity = result.findings[key]
        assert np.shape(true) == np.shape(quantity.value), key
        if quantity.u is None or not np.any(quantity.u):
            continue
        value, u = np.atleast_1d(quantity.value), np.atleast_1d(quantity.u)
        z = [(a - b) / c for a, b, c in zip(value, np.atleast_1d(true), u, strict=True) if c]
        assert math.sqrt(np.mean(np.square(z))) < 3.0, (key, z)
        compared += len(z)
    assert compared >= 2


def test_the_truth_is_for_what_was_asked() -> None:
    """It follows the goals of the reduction."""
    near, far = (
        scenarios.load("nist4_gradiometer").with_({"campaign.pairs": 1, "reduction.off_plane": z}).run()
        for z in (10e-3, 30e-3)
    )
    for result, z in ((near, 10e-3), (far, 30e-3)):
        assert result.true["deviation_off_plane"] == pytest.approx(-1e-3 - 18.6 * z**2)
        assert result.findings["deviation_off_plane"].value == pytest.approx(-1e-3 - 18.6 * z**2, abs=2e-4)
    wide = scenarios.load("nist4_hall_probe").with_({"reduction.tolerance": 2e-4}).run()
    assert wide.true["uniform_range_m"] > run("nist4_hall_probe").true["uniform_range_m"] * 1.1


@pytest.mark.parametrize(
    ("real", "known"),
    [
        ([], {"bl_Tm", "profile_1_per_m1", "profile_2_per_m2", "periodic_error_m"}),
        (["interferometer"], {"bl_Tm"}),
        (["environment"], {"bl_Tm", "profile_1_per_m1", "profile_2_per_m2", "periodic_error_m"}),
        (["magnet"], set()),
    ],
)
def test_nobody_knows_the_truth_of_what_is_real(real: list[str], known: set[str]) -> None:
    result = run("moving_mode")
    scenario = result.scenario.with_({f"balance.{name}.hardware": {"driver": "artefact"} for name in real})
    assert set(true_values(scenario, result.findings, result.truth)) == known
