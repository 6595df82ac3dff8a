"""Reported uncertainties are true: over many runs, each with its own errors of certificates, z = (m − m_true)/u is
standard normal."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.studies.trueness import Score, Trueness, scores

BALANCES = ("kbmini_tmtp", "nist4_tmtp", "tsinghua_tmtp")


def many(name: str, seeds: range, **changes: Any) -> Trueness:
    experiment = scenarios.load(name).with_(changes)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("forkserver")) as executor:
        return Trueness(tuple(scores(experiment, seeds, executor)))


@pytest.mark.parametrize("name", BALANCES)
def test_a_hundred_runs(name: str) -> None:
    """A look: |mean| < 0.35 and a standard deviation of 1 ± 0.25: 3.5 standard deviations of each."""
    found = many(name, range(1, 101), **{"campaign.cycles": 2})
    n = len(found.scores)
    assert found.refused == 0
    assert abs(found.mean) < 3.5 / np.sqrt(n)
    assert abs(found.deviation - 1) < 3.5 / np.sqrt(2 * n)


@pytest.mark.nightly
@pytest.mark.parametrize("name", BALANCES)
def test_a_thousand_runs(name: str) -> None:
    """|mean| < 0.1 and a standard deviation of 1 ± 0.07."""
    found = many(name, range(1, 1001))
    assert found.refused == 0
    assert abs(found.mean) < 0.1
    assert abs(found.deviation - 1) < 0.07


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["tsinghua_omtp", "tsinghua_power_regulated", "kbmini_anti_series"])
def test_a_hundred_runs_with_two_windings(name: str) -> None:
    found = many(name, range(1, 101))
    assert found.refused == 0
    assert abs(found.mean) < 0.35
    assert abs(found.deviation - 1) < 0.25


def test_what_readings_near_whole_half_waves_cost_is_told() -> None:
    """The interferometer's periodic error then looks like the profile: what the velocities say of the mass is a tenth
    as good or less, and larger than all that the certificates say."""
    keys = {"campaign.cycles": 4, "thermal.start": "ambient"}
    shipped = scenarios.load("tsinghua_omtp").with_(keys)
    near, far = shipped.with_({"campaign.velocity.velocity": 2e-4}).run(), shipped.run()
    assert near.mass.type_a["velocity"] > 10 * far.mass.type_a["velocity"]
    (told,) = near.notes
    assert "times larger" in told and "half-waves of the laser" in told
    assert far.notes == () and far.mass.u_type_a < far.mass.u_type_b < near.mass.u_type_a
    assert all(abs(result.relative_error) < 3 * result.mass.u_relative for result in (near, far))


def test_every_seed_has_its_own_truth() -> None:
    """The mass is the same, what the certificates are wrong by is not; nothing else tells two seeds apart."""
    one, other = (scenarios.load("kbmini_tmtp").with_(seed=seed).scenario for seed in (1, 2))
    first, second = one.true_components(), other.true_components()
    assert getattr(first["resistor"], "resistance") != getattr(second["resistor"], "resistance")  # noqa: B009
    assert getattr(first["test_mass"], "mass") == getattr(second["test_mass"], "mass")  # noqa: B009
    assert one.components()["resistor"] == other.components()["resistor"]
    again = one.true_components()
    assert {k: v.model_dump() for k, v in again.items()} == {k: v.model_dump() for k, v in first.items()}


def test_what_the_scores_say() -> None:
    found = Trueness((Score(1, 2e-8, 1e-8), Score(2, -1e-8, 1e-8), Score(3, np.nan, np.nan)))
    assert found.refused == 1
    assert found.z == pytest.approx([2.0, -1.0])
    assert found.mean == pytest.approx(0.5)
    assert found.deviation == pytest.approx(np.std([2.0, -1.0], ddof=1))
    assert found.u_mean == pytest.approx(1 / np.sqrt(2))
