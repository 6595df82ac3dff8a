"""The commands that look at a scenario without running it."""

from __future__ import annotations

import json

import pytest

from scenarios.cli.app import main
from scenarios.cli.plan import clock

WEIGHINGS = [
    f"--set=campaign.weighing.{key}" for key in ("count=10", "duration=180 s", "window_start=45 s", "window_end=165 s")
]


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that succeeds prints."""
    assert main(arguments) == 0
    found = capsys.readouterr()
    assert found.err == ""
    return found.out


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    """One line."""
    settings = [*WEIGHINGS, "--set=campaign.cycles=2"]
    line = output(capsys, "check", "kbmini_tmtp", *settings)
    assert line == "ok: kbmini_tmtp: 25 components, 64 connections, 1 loop, 22 steps, 2 h\n"


def test_plan_folds_what_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each phase of the cycles that are the same."""
    lines = output(capsys, "plan", "kbmini_tmtp", *WEIGHINGS, "--set=campaign.cycles=8").splitlines()
    assert lines[0] == "kbmini_tmtp: 88 steps, 8 h of virtual time"
    assert [line.split() for line in lines[2:]] == [
        ["1", "to", "8", "0:00:00", "weighing", "10", "3", "min", "30", "min"],
        ["0:30:00", "velocity", "1", "30", "min", "30", "min"],
    ]


def test_plan_of_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    """With number, start, duration and name; the JSON has the same."""
    lines = output(capsys, "plan", "nist4_tmtp", "--all").splitlines()[2:]
    found = json.loads(output(capsys, "plan", "nist4_tmtp", "--json"))
    assert len(lines) == len(found["steps"])
    assert found["duration_s"] == sum(step["duration_s"] for step in found["steps"])
    for line, step in zip(lines, found["steps"], strict=True):
        assert line.split()[:2] == [str(step["number"]), clock(step["start_s"])]
        assert step["name"] in line
    ends = [step["start_s"] + step["duration_s"] for step in found["steps"]]
    assert [step["start_s"] for step in found["steps"]] == [0.0, *ends[:-1]]


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    """What is shipped and what is installed."""
    text = output(capsys, "list")
    found = json.loads(output(capsys, "list", "--json"))
    assert set(found) == {"scenarios", "campaigns", "components", "drivers", "commands"}
    assert {"kbmini_tmtp", "tsinghua_tmtp", "nist4_tmtp", "nist4_tmtp_ramped"} <= set(found["scenarios"])
    assert "tmtp" in found["campaigns"] and "coil" in found["components"] and "run" in found["commands"]
    for name, description in found["scenarios"].items():
        assert name in text and description and description in text


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """Is JSON, with the sections of the reduction and of the thermal analysis."""
    properties = json.loads(output(capsys, "schema"))["properties"]
    assert {"balance", "campaign", "reduction", "thermal"} <= set(properties)


@pytest.mark.parametrize(
    ("picture", "start"), [("mermaid", "flowchart LR"), ("dot", "digraph"), ("svg", "<svg xmlns=")]
)
def test_graph(capsys: pytest.CaptureFixture[str], picture: str, start: str) -> None:
    """In each format."""
    text = output(capsys, "graph", "kbmini_tmtp", "--format", picture)
    assert text.startswith(start) and "voltage_reference" in text


def test_graph_follows_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    """Without temperature coefficient the magnet's temperature has no influence, and its wire is dotted."""
    usual = output(capsys, "graph", "kbmini_tmtp")
    without = output(capsys, "graph", "kbmini_tmtp", "--set", "balance.magnet.temperature_coefficient=0")
    wire = 'thermal_mass {}|"magnet_temperature_rise → temperature_rise"| magnet\n'
    assert wire.format("-->") in usual and wire.format("-.->") in without
