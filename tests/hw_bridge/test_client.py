"""The scenario that whoever serves writes for whoever runs: it makes sense, and says nothing that was set beside."""

from __future__ import annotations

from pathlib import Path

import pytest

import scenarios
from hw_bridge.client import client_scenario
from hw_bridge.errors import BridgeError
from hw_bridge.served import ServedTwin
from scenarios.run.experiment import Experiment
from tests.hw_bridge.station import LUMPED
from twin.real_time import RealTimeClock

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "served_campaign.yaml"


def written(source: str, folder: Path, **settings: object) -> tuple[str, Experiment]:
    """The text for a scenario that is served, and what it is when it is read."""
    served = ServedTwin(scenarios.load(source).with_({**LUMPED, **settings}).scenario, RealTimeClock(None))
    rows = [
        {"name": instrument.core.name, "transport": "socket", "address": f"TCPIP::127.0.0.1::{port}::SOCKET"}
        for port, instrument in enumerate(served.instruments, 1)
    ]
    text = client_scenario(source, served, rows)
    (folder / "real.yaml").write_text(text)
    return text, scenarios.load(folder / "real.yaml").with_(LUMPED)


def test_every_part_is_real_and_what_was_set_beside_stays_here(tmp_path: Path) -> None:
    secret = {"seed": 4711, "balance.test_mass.mass": 1.000456}
    text, experiment = written(str(EXAMPLE), tmp_path, **secret)
    scenario = experiment.scenario
    assert "4711" not in text and "1.000456" not in text
    assert scenario.seed == 1 and scenario.components()["test_mass"].mass == 1.0  # type: ignore[attr-defined]
    experiment.check()
    assert set(scenario.hardware) == set(scenario.balance.parts)
    drivers = {name: hardware.driver for name, hardware in scenario.hardware.items() if hardware.driver != "artefact"}
    assert drivers == {
        "current_source": "keithley6221",
        "current_voltmeter": "hp3458a",
        "induced_voltmeter": "hp3458a",
        "magnet_thermometer": "pt100_3458a",
        "coil_thermometer": "pt100_3458a",
        "interferometer": "sampling_interferometer",
        "position_detector": "sampling_position_detector",
        "environment": "generic_station",
        "flexure": "pi_gcs",
        "mass_exchanger": "pi_exchanger",
        "servo": "generic_servo",
        "clamp": "generic_lock",
    }
    locks = {name: [lock.port for lock in hardware.interlocks] for name, hardware in scenario.hardware.items()}
    assert locks["flexure"] == ["clamp.locked"]
    assert locks["mass_exchanger"] == ["current_source.current", "servo.demand"]


@pytest.mark.parametrize("name", ["kbmini_tmtp", "tsinghua_magnet_moving_tmtp"])
def test_shipped_balances_are_written_too(name: str, tmp_path: Path) -> None:
    text, experiment = written(name, tmp_path)
    assert f"extends: {name}" in text
    experiment.check()
    assert ("motion_stage" in experiment.scenario.hardware) == ("magnet_moving" in name)


def test_a_balance_whose_servo_is_not_served_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="servo is modelled with its sensor, and not served"):
        written("kbmini_tmtp_servo", tmp_path)
