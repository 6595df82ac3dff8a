"""Commissioning of a whole balance that is served: lock, stage, source, exchanger and servo, one after the other."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import hw_bridge.commission
import hw_bridge.skew
from hw_bridge.client import client_scenario
from hw_bridge.served import ServedTwin
from hw_bridge.server import WireServer
from scenarios.cli.app import main
from scenarios.run.experiment import load
from tests.hw_bridge.wired import PATIENCE
from twin.real_time import RealTimeClock

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "served_campaign.yaml"
QUICK = {"SETTLE": 0.0, "APERTURE": 0.05, "READINGS": 3, "RAMP": 0.05, "STEPS": (0.5, 1.0), "HAND_OVER": 0.1}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedTwin]:
    """A balance in real time, with its client's scenario in a file; and looks that take little time."""
    for name, value in QUICK.items():
        monkeypatch.setattr(hw_bridge.commission, name, value)
    for name, count in (("REPEATS", 1), ("READINGS", 8)):
        monkeypatch.setattr(hw_bridge.skew, name, count)
    clock = RealTimeClock(1.0)
    twin = ServedTwin(load(str(EXAMPLE)).scenario, clock, referenced=True)
    with WireServer(twin, epics=False) as server:
        (tmp_path / "real.yaml").write_text(client_scenario(str(EXAMPLE), twin, server.start()))
        simulation = threading.Thread(target=clock.run_until_stopped, daemon=True)
        simulation.start()
        yield twin
        clock.inbox.put(clock.stop)
        simulation.join(PATIENCE)


def test_all_of_it_is_tried_and_left_as_it_was(
    served: ServedTwin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / "real.yaml"), "--arm", "--yes", "--out", str(tmp_path / "report.json")]
    assert main(["commission", *words]) == 0, capsys.readouterr().err
    report = json.loads((tmp_path / "report.json").read_text())
    found = [(f["instrument"], f["what"], f["ok"]) for f in report["findings"] if "stamps" not in f["what"]]
    tried = [row for row in found if row[1] not in ("driver", "connects and identifies")]
    assert all(ok for *_, ok in tried)
    meters = [f"current_source → {meter}" for meter in ("current_voltmeter", "induced_voltmeter")]
    order = list(dict.fromkeys(name for name, *_ in tried))
    assert [name for name in order if name not in meters] == [
        *("current_voltmeter", "induced_voltmeter", "clamp", "flexure", "current_source", "mass_exchanger", "servo")
    ]
    for meter in meters:  # 2.5 mA, which makes 6 V across coil and resistor, half of what the meters hold
        whats = [what for name, what, _ in tried if name == meter]
        assert whats == ["polarity and scale"] * 2 + ["at 0.00125 A", "at 0.0025 A", "under servo"]
    assert [what for name, what, _ in tried if name == "clamp"] == ["unlock", "lock"]
    assert [what for name, what, _ in tried if name == "mass_exchanger"] == ["load", "unload"]
    cores = {instrument.core.name: instrument.core for instrument in served.instruments}
    assert cores["clamp"].clamp.is_locked and cores["servo"].state == "RELEASED"
    assert not cores["current_source"].source.is_connected
    assert report["unverified"] == []
