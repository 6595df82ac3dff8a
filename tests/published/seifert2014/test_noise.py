"""Seifert2014: how long a coil voltage with white noise of 1 µV/√Hz takes to tell Bl to 1e-8."""

from __future__ import annotations

import scenarios
from tests.published.values import published


def test_time_to_1e_8() -> None:
    still = {"balance.ground_vibration.spectrum": [], "balance.induced_voltmeter.white_noise": 1e-6}
    band = {"reduction.floor_to": 400.0, "reduction.stretch": 1.0}
    result = scenarios.load("nist4_noise").with_({**still, **band}).run()
    published()["seifert2014.noise_time"].check(result.findings["time_s"].value)
