"""A whole balance that is served: commissioned, one instrument after the other, and put back after a kill."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import hw_bridge.commission
from components.clamp import Clamp
from hw_bridge.bridge import Bridge
from hw_bridge.client import client_scenario
from hw_bridge.served import ServedTwin
from hw_bridge.server import WireServer
from scenarios.cli.app import main
from scenarios.run.build import build
from scenarios.run.experiment import load
from tests.hw_bridge.wired import PATIENCE, Peer
from twin.piece import constant
from twin.real_time import RealTimeClock

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "served_campaign.yaml"
QUICK = {"SETTLE": 0.0, "APERTURE": 0.05, "READINGS": 3, "RAMP": 0.05, "STEPS": (0.5, 1.0), "HAND_OVER": 0.1}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedTwin]:
    """A balance in real time, with its client's scenario in a file; and looks that take little time."""
    for name, value in QUICK.items():
        monkeypatch.setattr(hw_bridge.commission, name, value)
    monkeypatch.setattr(hw_bridge.commission.Commissioning, "_times", lambda *_: iter(()))  # has its own tests
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


LEFT = ("0", "1=-2.000000000", "ENGAGED")


def port(client: Path, name: str) -> int:
    """At which an instrument is served."""
    return int(load(str(client)).scenario.hardware[name].resource.split("::")[2])


def weighing(client: Path) -> None:
    """Leave it as a run does that is killed while it weighs: the mass on the pan, held by the servo, unlocked."""
    names = ("current_source", "clamp", "mass_exchanger", "servo")
    source, lock, lift, servo = (Peer(port(client, name)) for name in names)
    with source, lock, lift, servo:
        assert source.query(":CURR:RANG 20e-3;COMP 105;:OUTP ON;:OUTP?") == "1"
        lock.send(b"LOCK OFF\n")
        lift.send(b"VEL 1 20\nACC 1 200\nMOV 1 -2\n")
        servo.send(b"SERV:ENG 0\n")
        while (lock.query("LOCK?"), lift.query("POS? 1"), servo.query("SERV:STAT?")) != LEFT:
            pass


def test_what_a_killed_run_has_left_is_put_back(served: ServedTwin, tmp_path: Path) -> None:
    """The twin has the mass in the lift and the coil locked, as at the last checkpoint; nothing is moved by hand."""
    client, told = tmp_path / "real.yaml", list[str]()
    weighing(client)
    servo_core = next(instrument.core for instrument in served.instruments if instrument.core.name == "servo")
    states, let_go = list[str](), servo_core._let_go
    servo_core._let_go = lambda state: (states.append(state), let_go(state))
    chosen = load(str(client)).scenario
    with Bridge(chosen, arm=True, tell=told.append) as bridge:
        setup = build(chosen, parts=bridge.parts, clock=bridge.clock, instruments=bridge.instruments)
        with Peer(port(client, "servo")) as servo, Peer(port(client, "current_source")) as source:
            assert (servo.query("SERV:STAT?"), source.query(":OUTP?")) == ("RELEASED", "0"), "safe as soon as it is met"
        clamp = setup.twin.graph.components["clamp"]
        assert isinstance(clamp, Clamp)
        clamp.timeline("locked").follow(constant(1.0, bridge.clock.now))
        bridge.take_up()
        with Peer(port(client, "mass_exchanger")) as lift, Peer(port(client, "clamp")) as lock:
            assert (lift.query("POS? 1"), lock.query("LOCK?")) == ("1=0.000000000", "1")
        with Peer(port(client, "servo")) as servo, Peer(port(client, "current_source")) as source:
            assert source.query(":OUTP ON;:OUTP?") == "1"
            servo.send(b"SERV:ENG 0\n")
            while servo.query("SERV:STAT?") != "ENGAGED":
                pass
    assert bridge.safe["servo"] == "released, read back" and not bridge.unverified
    assert states == [], "no source went off under it, neither at first nor in the end"
    assert [text for text in told if "as the run had it" in text] == [
        "mass_exchanger: unloaded, as the run had it; it was loaded",
        "clamp: locked, as the run had it; it answered '0'",
    ]
