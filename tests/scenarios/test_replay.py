"""A twin that is told what another was told, at the same times, reads the same: for campaigns of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.run.replay import Replay, certain, drawn, in_order, noisy
from scenarios.schema import Scenario
from twin.command import is_command, record_commands
from twin.recorder import Block, Schedule
from twin.times import NS

LUMPED: dict[str, Any] = {
    "balance.thermal_mass.geometry": None,
    "balance.thermal_mass.capacities": {"coil": 30.0, "magnet": 5000.0},
    "balance.thermal_mass.links": [{"between": ["coil", "magnet"], "conductance": 0.05}],
    "balance.thermal_mass.film_areas": {"magnet": 0.1},
    "balance.thermal_mass.magnet": ["magnet"],
}
SHORT: dict[str, dict[str, Any]] = {
    "kbmini_tmtp": {**LUMPED, "campaign.cycles": 1, "campaign.velocity.cycles": 20},
    "kbmini_tmtp_servo": {**LUMPED, "campaign.cycles": 1, "campaign.velocity.cycles": 20},
    "tsinghua_gap_survey": {},
    "nist4_hall_probe": {},
    "moving_mode": {"campaign.frequencies": [1.0], "campaign.read_time": 4.0},
}


@pytest.mark.parametrize("name", SHORT)
def test_it_reads_what_the_campaign_reads(name: str) -> None:
    scenario = certain(scenarios.load(name).with_(SHORT[name]).scenario)
    run = Replay(scenario, quiet=True)
    record_commands(run.twin)
    run.campaign()
    readings, log = list(run.twin.recorder.readings), list(run.twin.recorder.log)
    twin, read = Replay(scenario, quiet=True), 0
    for block in in_order(readings, log):
        if is_command(block):
            twin.follow(block)
            continue
        values = twin.read(block)
        if values is not None:
            read += 1
            scale = float(np.max(np.abs(block.values)))
            assert np.max(np.abs(values - block.values)) <= 1e-12 * scale, (block.channel, block.quantity)
    assert read > 0.8 * len(readings) and len(log) >= 1


def test_quiet_readings_are_the_mean_of_noisy_ones() -> None:
    scenario = scenarios.load("moving_mode").with_(SHORT["moving_mode"]).scenario
    run = Replay(certain(scenario), quiet=True)
    run.campaign()
    block = next(b for b in run.twin.recorder.readings if b.channel == "induced_voltmeter")
    found = []
    for k in range(12):
        other = Replay(noisy(scenario, k))
        other.campaign()
        values = other.read(block)
        assert values is not None
        found.append(values)
    apart = np.mean(found, axis=0) - block.values
    assert np.std(apart) < 0.5 * np.std(found[0] - block.values)
    assert abs(np.mean(apart)) < 4.0 * np.std([np.mean(f - block.values) for f in found]) / 12**0.5


def test_balances_differ_by_their_certificates_and_runs_by_their_noise() -> None:
    scenario = scenarios.load("kbmini_tmtp").with_(LUMPED).scenario

    def resistance(chosen: Scenario) -> float:
        return float(getattr(chosen.true_components()["resistor"], "resistance"))  # noqa: B009

    believed = float(getattr(scenario.components()["resistor"], "resistance"))  # noqa: B009
    assert resistance(certain(scenario)) == resistance(noisy(scenario, 1)) == believed
    assert len({believed, *(resistance(drawn(scenario, k)) for k in range(4))}) == 5
    assert len({chosen.seed for k in range(4) for chosen in (drawn(scenario, k), noisy(scenario, 4 + k))}) == 8


def test_what_was_read_late_comes_late() -> None:
    def block(start: int, source: str, labels: dict[str, Any]) -> Block:
        return Block("m", "voltage", "V", Schedule(start * NS, NS, 1), NS, np.zeros((1, 1)), labels, source)  # type: ignore[arg-type]

    command = block(3, "simulated", {"command": "set", "laws": "[]"})
    simulated, real = block(2, "simulated", {}), block(2, "real", {"late_s": 0.5})
    assert list(in_order([simulated], [command])) == [simulated, command]
    assert list(in_order([real], [command])) == [command, real]
