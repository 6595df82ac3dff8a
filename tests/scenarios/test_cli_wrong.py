"""Wrong scenario files from end to end: exit code 2 and one line with file, line and key; put right, they pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.cli.app import main

WIRE = "    test_mass.air_density: environment.air_density\n"
RIGHT = f"""\
schema: 1
extends: kbmini_tmtp
name: mine
balance:
  test_mass:
    mass: 100 g
  magnet:
    temperature_coefficient: -1e-3
  wiring:
{WIRE}campaign:
  cycles: 2
  weighing:
    duration: 180 s
    window_start: 45 s
    window_end: 165 s
"""

# what is wrong, the right text, the wrong text in its place, line, key, part of the message
WRONG = [
    (
        "units at the ends of a wire",
        WIRE,
        WIRE + "    resistor.current: coil.voltage\n",
        11,
        "balance.wiring.resistor.current",
        "resistor.current is in A, but coil.voltage is in V",
    ),
    (
        "a field into a signal",
        WIRE,
        WIRE + "    magnet.temperature_rise: magnet.field\n",
        11,
        "balance.wiring.magnet.temperature_rise",
        "takes a signal, but magnet.field is a field",
    ),
    (
        "an algebraic loop",
        WIRE,
        WIRE + "    current_source.demand: current_source.current\n",
        11,
        "balance.wiring.current_source.demand",
        "loop without state: current_source → current_source; no component of it is implicit",
    ),
    (
        "an unconnected port",
        WIRE,
        WIRE + "  spare: {type: voltmeter}\n",
        11,
        "balance.spare",
        "input spare.input (V) is not connected",
    ),
    (
        "a component that is not there",
        WIRE,
        WIRE + "    coyl.current: current_source.current\n",
        11,
        "balance.wiring.coyl.current",
        "there is no component 'coyl'; did you mean 'coil'?",
    ),
    (
        "an instrument that the campaign needs",
        "  wiring:\n",
        "  magnet_thermometer: null\n  wiring:\n    magnet_thermometer.temperature_rise: null\n",
        None,
        "balance",
        "a mass campaign needs the role Thermometer, called 'magnet_thermometer'; there is none",
    ),
    ("cyclic extends", "extends: kbmini_tmtp", "extends: mine.yaml", 2, "extends", "the files extend each other"),
    ("a negative mass", "100 g", "-100 g", 6, "balance.test_mass.mass", "must be greater than 0"),
    ("NaN", "100 g", ".nan", 6, "balance.test_mass.mass", "expected a finite number"),
    ("a wrong unit", "100 g", "100 V", 6, "balance.test_mass.mass", "expected a quantity in kg, not '100 V'"),
    ("an unknown key", "    mass:", "    mas:", 6, "balance.test_mass.mas", "did you mean 'mass'?"),
    (
        "overlapping windows",
        "window_end: 165 s",
        "window_end: 200 s",
        None,
        "campaign.weighing",
        "window_end <= duration - ramp",
    ),
    (
        "windows in the wrong order",
        "window_end: 165 s",
        "window_end: 30 s",
        None,
        "campaign.weighing",
        "window_start < window_end",
    ),
    ("a campaign that is not there", "campaign:\n", "campaign:\n  type: tmpt\n", 12, "campaign.type", "'tmtp'"),
    ("half a cycle", "cycles: 2", "cycles: 2.5", 12, "campaign.cycles", "expected a whole number, not 2.5"),
    ("a tab", "    mass:", "\tmass:", 6, "balance.test_mass", "a tab cannot indent"),
    (
        "a file that is not there",
        "    temperature_coefficient: -1e-3\n",
        "    profile: null\n    bl: null\n    profile_file: nope.csv\n",
        10,
        "balance.magnet.profile_file",
        "nope.csv",
    ),
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The only line of standard error; standard output is empty."""
    found = capsys.readouterr()
    lines = found.err.splitlines()
    assert found.out == "" and len(lines) == 1, found
    return lines[0]


@pytest.mark.parametrize(
    ("right", "wrong", "line", "key", "text"), [case[1:] for case in WRONG], ids=[c[0] for c in WRONG]
)
def test_wrong_file(
    capsys: pytest.CaptureFixture[str], right: str, wrong: str, line: int | None, key: str, text: str
) -> None:
    """One mistake in an otherwise right file."""
    assert right in RIGHT
    Path("mine.yaml").write_text(RIGHT.replace(right, wrong))
    assert main(["check", "mine.yaml"]) == 2
    message = one_line(capsys)
    place = ": " if line is None else f"error: mine.yaml:{line}: "  # some are about a key of the file that is extended
    assert place in message and f" {key}: " in message and text in message


def test_put_right(capsys: pytest.CaptureFixture[str]) -> None:
    """The file of the tests above is right but for what they change."""
    Path("mine.yaml").write_text(RIGHT)
    assert main(["check", "mine.yaml"]) == 0
    assert capsys.readouterr().out.startswith("ok: mine: 25 components, 64 connections, 1 loop, ")


@pytest.mark.parametrize("command", ["run", "check", "graph", "plan"])
@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("binary.yaml", bytes(range(256)), "error: binary.yaml:1: contains a NUL byte"),
        ("empty.yaml", b"", "error: empty.yaml:1: is empty; expected a scenario"),
        ("missing.yaml", None, "error: missing.yaml: no such file, nor any other scenario in its folder"),
        ("kbmni_tmtp", None, "did you mean 'kbmini_tmtp'?"),
    ],
)
def test_no_scenario(
    capsys: pytest.CaptureFixture[str], command: str, name: str, content: bytes | None, text: str
) -> None:
    """Every command that takes a scenario says what is wrong with it."""
    if content is not None:
        Path(name).write_bytes(content)
    assert main([command, name]) == 2
    assert text in one_line(capsys)


def test_table_of_the_magnet_is_found_beside_its_scenario(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file name in a scenario is relative to the scenario, wherever one stands, also for a scaled balance."""
    Path("table.csv").write_text("".join(f"{z},{700 - z * z * 1e5}\n" for z in (-0.04, -0.02, 0.0, 0.02, 0.04)))
    wrong = "    temperature_coefficient: -1e-3\n"
    text = RIGHT.replace(wrong, "    profile: null\n    bl: null\n    profile_file: table.csv\n  scale: 0.3\n")
    Path("mine.yaml").write_text(text)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert main(["check", "../mine.yaml"]) == 0
    assert capsys.readouterr().out.startswith("ok: mine")
