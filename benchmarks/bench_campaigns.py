"""Whole campaigns, from the loaded scenario to the result."""

from __future__ import annotations

import numpy as np
import pytest

import scenarios


@pytest.mark.parametrize("name", ["kbmini_tmtp", "tsinghua_tmtp", "nist4_tmtp", "nist4_tmtp_ramped"])
def test_campaign(benchmark, name: str) -> None:
    """Target for kbmini_tmtp: 6 times `test_draw` plus 0.3 s."""
    experiment = scenarios.load(name)
    result = benchmark(experiment.run)
    assert abs(result.relative_error) < 1e-5


@pytest.mark.parametrize("name", ["tsinghua_magnet_moving_tmtp", "tsinghua_magnet_moving_omtp"])
def test_moving_magnet(benchmark, name: str) -> None:
    """8 h with a moving magnet and external flux. Target: 1 s."""
    result = benchmark(scenarios.load(name).run)
    assert abs(result.relative_error) < 1e-6


def test_draw(benchmark) -> None:
    """What numpy needs to draw as many normal variates as kbmini_tmtp has samples: the side-by-side figure."""
    samples = scenarios.load("kbmini_tmtp").run().readings.samples
    generator = np.random.default_rng(1)
    assert len(benchmark(generator.standard_normal, samples)) == samples


def test_oscillating_hour(benchmark) -> None:
    """An hour of a nonlinear hinge driven at 1 Hz, in a cycle with one weighing phase. Target: 10 s."""
    keys = {"campaign.cycles": 1, "campaign.velocity.cycles": 3569, "thermal.start": "ambient"}
    experiment = scenarios.load("kbmini_oscillating").with_(keys)
    result = benchmark(experiment.run)
    assert result.scenario.campaign.velocity.duration == 3600 * 10**9
    assert abs(result.relative_error) < 1e-5


def test_moving_mode(benchmark) -> None:
    """100 s at 100 readings/s. Target: 0.1 s."""
    result = benchmark(scenarios.load("moving_mode").run)
    assert result.readings.select("induced_voltmeter", phase="velocity").samples == 10_000
