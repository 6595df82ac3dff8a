"""Studies: the thermal error of one scenario, and a sweep of it on two processes."""

from __future__ import annotations

import numpy as np
import pytest
import study_costs

import scenarios
from scenarios.studies.outputs import evaluate
from scenarios.studies.thermal import thermal


@pytest.mark.parametrize("name", ["nist4_tmtp", "kbmini_tmtp", "nist4_omtp", "nist4_power_regulated"])
def test_thermal(benchmark, name: str) -> None:
    """Target for nist4_tmtp: 15 ms, of a run's 0.4 s."""
    experiment = scenarios.load(name)
    assert benchmark(thermal, experiment).epsilon


def test_the_least_that_a_point_could_be(benchmark) -> None:
    """The same heat under a current that is on or off, in closed form: within a few percent of the twin's."""
    bare = study_costs.Bare()
    assert benchmark(bare.epsilon, 0.7) == pytest.approx(thermal(study_costs.at(0.7)).epsilon, rel=0.02)


def test_a_point_that_computes_nothing(benchmark) -> None:
    """What a sweep adds to any point: the scenario, its validation, its hash."""
    sizes = iter(range(1, 10**9))

    def point() -> float:
        changed = study_costs.at(1.0 + 1e-9 * next(sizes))
        return evaluate(changed, ["diameter"])["diameter"] + len(changed.scenario.hash)

    assert benchmark(point) > 0.6


@pytest.mark.parametrize("workers", [1, 2])
def test_a_thousand_points(benchmark, workers: int) -> None:
    """TMTP over p. Target: 10 s on two cores, processes and all; 85 % of twice the rate of one."""
    study = study_costs.study(1000)
    cost = benchmark.pedantic(study_costs.on_processes, (study, workers), rounds=1)
    assert len(cost.spent) == workers and np.isfinite(cost.wall)
