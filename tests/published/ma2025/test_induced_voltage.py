"""Ma2025, sec. VI-B: how little the induced-voltage test can tell from nothing."""

from __future__ import annotations

import numpy as np

import scenarios
from tests.published.values import published


def test_noise_of_a_pair_of_moves() -> None:
    """Out of the voltmeter's white noise, 1 µV/√Hz, as Seifert2014 has it for a coil at rest; twelve runs of five
    pairs."""
    experiment = scenarios.load("tsinghua_induced_voltage")
    found = [experiment.with_(seed=seed).run().findings["std_delta_b_T"].value for seed in range(12)]
    published()["ma2025.induced_voltage.noise"].check(float(np.sqrt(np.mean(np.square(found)))))
    quiet = experiment.with_({"balance.induced_voltmeter.white_noise": 1e-8}).run()
    assert quiet.findings["std_delta_b_T"].value < 0.1e-6
