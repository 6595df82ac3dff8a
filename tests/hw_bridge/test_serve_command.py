"""``kibble-twin serve``: what it announces, how it ends, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from typing import Any

import pytest

from hw_bridge.commands.serve import _scale
from hw_bridge.server import is_loopback
from scenarios.cli.app import main
from scenarios.cli.exit_codes import UsageError
from twin.real_time import RealTimeClock


def test_the_first_line_lists_every_instrument_and_ctrl_c_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RealTimeClock.run_until_stopped

    def interrupted(clock: RealTimeClock) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        run(clock)

    monkeypatch.setattr(RealTimeClock, "run_until_stopped", interrupted)
    assert main(["serve", "kbmini_tmtp", "--json", "--scale", "100"]) == 130
    out, errors = capsys.readouterr()
    assert errors.splitlines()[-1] == "error: interrupted"
    assert "events were late by" in errors, "an account of the lag"
    (line,) = out.splitlines()
    told: dict[str, Any] = json.loads(line)
    assert (told["scenario"], told["scale"], told["without_token"]) == ("kbmini_tmtp", "100", [])
    found = {(row["name"], row["model"], row["transport"]) for row in told["instruments"]}
    on_bus = ("socket", "hislip", "vxi11", "prologix", "epics")
    meters = ("current_voltmeter", "induced_voltmeter", "magnet_thermometer", "coil_thermometer")
    sensors = ("interferometer", "position_detector", "environment")
    assert found == (
        {(name, "Keithley 6221", way) for name in ("current_source", "current_source_fine") for way in on_bus}
        | {(name, "HP 3458A", way) for name in meters for way in on_bus}
        | {(name, "PI GCS", way) for name in ("flexure", "mass_exchanger") for way in ("socket", "epics")}
        | {(f"{name}_scanner", "scanner", way) for name in meters[:2] for way in ("socket", "epics")}
        | {(name, "sampler", way) for name in sensors for way in ("socket", "epics")}
        | {("servo", "servo controller", way) for way in ("socket", "epics")}
    )
    addresses = [row["address"] for row in told["instruments"] if row["transport"] != "epics"]
    assert len(set(addresses)) == len(addresses)
    assert all(address.startswith(("TCPIP::127.0.0.1", "GPIB0::")) for address in addresses)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to interrupt it: everything is opened, announced and closed."""
    monkeypatch.setattr(RealTimeClock, "run_until_stopped", lambda clock: None)


def test_people_get_a_table(at_once: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "kbmini_tmtp", "--scale", "step"]) == 0
    out, errors = capsys.readouterr()
    assert out.startswith("kbmini_tmtp: 14 instruments") and errors == ""
    assert "Keithley 6221" in out and "::SOCKET" in out and "hislip0," in out
    prologix, epics = out.splitlines()[-2:]
    assert re.fullmatch(r"prologix: open PRLGX-TCPIP0::127\.0\.0\.1::\d+::INTFC first", prologix)
    assert re.fullmatch(r"epics: export EPICS_CA_ADDR_LIST=127\.0\.0\.1:\d+ EPICS_CA_AUTO_ADDR_LIST=NO", epics)


def test_people_are_told_where_a_token_goes_and_not_what_it_is(
    at_once: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "kbmini_tmtp", "--no-epics", "--token", "sesame"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "token: clients add it to the device, as hislip0@TOKEN and inst0@TOKEN"
    assert "sesame" not in out


def test_other_machines_need_a_token_and_the_rest_is_a_warning(
    at_once: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "kbmini_tmtp", "--json", "--bind", "0.0.0.0", "--token", "sesame"]) == 0
    out, errors = capsys.readouterr()
    told = json.loads(out)
    assert told["without_token"] == ["epics", "prologix", "socket"]
    host = socket.gethostname()
    for row in told["instruments"]:
        assert host in row.get("ca_addr_list", row.get("interface", row["address"]))
    for kind in ("epics", "prologix", "socket"):
        assert f"warning: {kind} cannot carry a token" in errors
    assert "sesame" not in out + errors


def test_process_variables_can_be_left_out(at_once: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "kbmini_tmtp", "--json", "--no-epics"]) == 0
    assert "epics" not in {row["transport"] for row in json.loads(capsys.readouterr().out)["instruments"]}


def test_a_balance_with_two_windings_is_served_too(at_once: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "kbmini_power_regulated", "--json"]) == 0
    names = {row["name"]: row["model"] for row in json.loads(capsys.readouterr().out)["instruments"]}
    assert names["current_source"] == names["compensating_source"] == "Keithley 6221"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bind", "0.0.0.0"], "give a --token"),
        (["--bind", "192.0.2.1"], "give a --token"),
        (["--token", "open sesame"], "letters and digits"),
        (["--scale", "fast"], "expected real, step, or a number"),
        (["--scale", "0"], "expected real, step, or a number"),
        (["--port", "70000"], "port"),
        (["--set", "balance.nonsense=1"], "nonsense"),
        (["--scale", "10", "--client", "real.yaml"], "in real time"),
    ],
)
def test_what_cannot_be_served_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "kbmini_tmtp", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1


def test_a_port_that_is_taken_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "kbmini_tmtp", "--port", str(port)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: cannot listen at 127.0.0.1, port {port}: address already in use; see --bind and --port"


def test_an_address_of_another_machine_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "kbmini_tmtp", "--bind", "203.0.113.9", "--token", "sesame"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: cannot listen at 203.0.113.9: cannot assign requested address; see --bind and --port"


@pytest.mark.parametrize(("text", "scale"), [("real", 1.0), ("step", None), ("10", 10.0), ("2.5x", 2.5), ("60×", 60.0)])
def test_scales(text: str, scale: float | None) -> None:
    assert _scale(text) == scale


@pytest.mark.parametrize("text", ["", "nan", "inf", "-1", "1e9"])
def test_scales_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        _scale(text)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("lab", False)],
)
def test_what_only_this_machine_can_reach(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback
