"""Studies: the thermal error of one scenario, and a sweep of it on two processes."""

from __future__ import annotations

from pathlib import Path

import pytest

import scenarios
from scenarios.studies import sweep
from scenarios.studies.executors import processes
from scenarios.studies.outputs import evaluate
from scenarios.studies.study import load_study
from scenarios.studies.thermal import thermal

STUDY = """study: 1
scenario: nist4_tmtp
axes:
  p: {{path: balance.scale, from: 0.2, to: 1.2, points: {points}, spacing: log}}
outputs: [{outputs}]
"""


@pytest.mark.parametrize("name", ["nist4_tmtp", "kbmini_tmtp", "nist4_omtp", "nist4_power_regulated"])
def test_thermal(benchmark, name: str) -> None:
    """Target for nist4_tmtp: 15 ms, of a run's 0.4 s."""
    experiment = scenarios.load(name)
    assert benchmark(thermal, experiment).epsilon


def test_a_point_that_computes_nothing(benchmark) -> None:
    """What a sweep adds to any point: the scenario, its validation, its hash."""
    experiment = scenarios.load("nist4_tmtp")
    sizes = iter(range(1, 10**9))

    def point() -> float:
        changed = experiment.with_({"balance.scale": 1.0 + 1e-9 * next(sizes)})
        return evaluate(changed, ["diameter"])["diameter"] + len(changed.scenario.hash)

    assert benchmark(point) > 0.6


@pytest.mark.parametrize("workers", [1, 2])
def test_a_thousand_points(benchmark, workers: int, tmp_path: Path) -> None:
    """TMTP over p. Target: 10 s on two cores, processes and all; 85 % of twice the rate of one."""
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.format(points=1000, outputs="epsilon"))
    study = load_study(path)

    def run() -> int:
        pool = sweep.Pool(lambda: processes(workers), workers)
        return sum(not row.error for row in sweep.rows(study, study.points(), pool, 0.02))

    assert benchmark.pedantic(run, rounds=1) == 1000
