"""The weighing ranges: class E2, Li2026's target, and which part of an uncertainty belongs to which phase."""

from __future__ import annotations

import csv
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenarios
from scenarios.cli.app import main
from scenarios.report.theme import fresh_look
from scenarios.run.experiment import Experiment
from scenarios.studies import ranges_picture
from scenarios.studies.ranges import (
    COLUMNS,
    CURRENT_RANGES,
    E2_ERRORS,
    KBMINI,
    VELOCITY_TARGET,
    Point,
    e2_uncertainty,
    points,
    table,
    target,
    weigh,
    weighing_resolution,
)

SHORT = ["campaign.cycles=1", "thermal.start=ambient", "campaign.velocity.cycles=20"]
BALANCE = 9.80665 / 1400.0  # A/kg


def ideal(**uncertainties: dict[str, Any]) -> Experiment:
    """A short campaign in which nothing is uncertain but what is stated, by component."""
    stated = {f"balance.{name}.uncertainties": sizes for name, sizes in uncertainties.items()}
    return scenarios.load("kbmini_tmtp").ideal(SHORT).with_(stated)


# --- class E2 and the target -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mass", "u"),
    [(1.0, 267e-9), (0.5, 133e-9), (0.1, 26.7e-9), (0.01, 10e-9), (0.001, 5e-9), (0.3, 50e-9), (0.0199, 10e-9)],
)
def test_e2_allows_a_sixth_of_the_maximum_permissible_error(mass: float, u: float) -> None:
    """A third of 1.6 mg with k = 2 at 1 kg; between the nominal values that of the lower one."""
    assert e2_uncertainty(mass) == pytest.approx(u, rel=5e-3)


def test_e2_at_a_nominal_value_does_not_hang_on_rounding() -> None:
    assert e2_uncertainty(0.1 - 1e-17) == e2_uncertainty(0.02 * 5) == e2_uncertainty(0.1)
    assert e2_uncertainty(0.0999) < e2_uncertainty(0.1)


@pytest.mark.parametrize("mass", [0.0, 0.9e-3, 1.001, 2.0, math.nan])
def test_outside_the_table_is_refused(mass: float) -> None:
    for figure in (e2_uncertainty, weighing_resolution, target):
        with pytest.raises(ValueError, match="from 1 g to 1 kg"):
            figure(mass)


@given(st.floats(1e-3, 1.0))
def test_the_target_is_velocity_phase_and_resolution(mass: float) -> None:
    assert VELOCITY_TARGET < target(mass) < VELOCITY_TARGET + weighing_resolution(mass) / mass


@pytest.mark.parametrize("mass", E2_ERRORS)
def test_the_target_meets_e2_at_every_nominal_mass(mass: float) -> None:
    assert target(mass) <= e2_uncertainty(mass) / mass * (1 + 1e-9)


@pytest.mark.parametrize(("low", "high"), CURRENT_RANGES)
def test_a_range_has_one_resolution_that_just_meets_e2_at_its_lower_end(low: float, high: float) -> None:
    inside = [low + share * (high - low) for share in (1e-6, 0.3, 1.0)]
    resolutions = [weighing_resolution(mass) for mass in inside]
    assert resolutions[1:] == resolutions[:-1]
    assert target(inside[0]) * inside[0] == pytest.approx(e2_uncertainty(low), rel=1e-6)
    assert target(high) ** 2 == pytest.approx(VELOCITY_TARGET**2 + (resolutions[0] / high) ** 2)


def test_a_mass_at_the_edge_of_two_ranges_takes_the_finer_one() -> None:
    for (_, edge), (low, _) in pairwise(CURRENT_RANGES):
        assert edge == low
        assert weighing_resolution(edge) < weighing_resolution(1.01 * edge)


# --- parts of the uncertainty ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("component", "sizes", "velocity", "weighing", "whole"),
    [
        ("resistor", {"resistance": "1 ppm"}, 0.0, 1e-6, 1e-6),
        ("interferometer", {"gain": "1 ppm"}, 1e-6, 0.0, 1e-6),
        ("voltage_reference", {"voltage": "1 ppm"}, 1e-6, 1e-6, 2e-6),
        ("environment", {"gravity": "1 ppm"}, 0.0, 0.0, 1e-6),
    ],
)
def test_a_cause_counts_in_its_phase(
    component: str, sizes: dict[str, str], velocity: float, weighing: float, whole: float
) -> None:
    """The voltage reference serves both phases, gravity neither."""
    point = weigh(ideal(**{component: sizes}))
    for found, expected in ((point.velocity, velocity), (point.weighing, weighing), (point.u, whole)):
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-12)
    assert point.resolution < 1e-12 and point.targeted == pytest.approx(velocity, rel=1e-5, abs=1e-12)
    assert point.type_a == pytest.approx(0.0, abs=1e-12) and point.type_b == pytest.approx(whole, rel=1e-5)


def test_noise_counts_in_its_phase() -> None:
    """Of the current's voltmeter in the weighings, of the interferometer in the velocity phase."""
    noise = {"campaign.cycles": 2, "balance.interferometer.white_noise": 1e-9}
    weighed = weigh(ideal().with_({"balance.current_voltmeter.white_noise": 1e-6}))
    moved = weigh(ideal().with_(noise))
    assert weighed.weighing == pytest.approx(weighed.type_a, rel=1e-6) and weighed.type_a > 1e-9
    assert weighed.resolution == pytest.approx(weighed.type_a, rel=1e-6)
    assert weighed.velocity < 1e-12
    assert moved.velocity > 1e-9 and moved.velocity <= moved.type_a and moved.resolution < moved.velocity


# --- KBmini's scenarios ----------------------------------------------------------------------------------------------


def test_the_five_masses() -> None:
    masses = [scenarios.load(name).scenario.components()["test_mass"].mass for name in KBMINI]  # type: ignore[attr-defined]
    assert masses == [1.0, 0.5, 0.1, 0.01, 0.001]


@pytest.mark.parametrize("name", KBMINI)
def test_each_mass_is_weighed_in_its_range(name: str) -> None:
    """Li2026: 1, 10 and 100 kΩ, so that the upper end of each range is some 4 V; the counterweight is m/2."""
    parts: dict[str, Any] = dict(scenarios.load(name).scenario.components())
    mass, source, resistor = parts["test_mass"], parts["current_source"], parts["resistor"]
    number = next(i for i, (_, high) in enumerate(CURRENT_RANGES) if mass.mass <= high)
    current, top = 0.5 * mass.mass * BALANCE, 0.5 * CURRENT_RANGES[number][1] * BALANCE
    assert resistor.resistance == (100e3, 10e3, 1e3)[number]
    assert top * resistor.resistance == pytest.approx(4.0, rel=0.15)
    assert current <= top <= source.coarse_range
    assert source.fine_range >= 0.5 * source.coarse_resolution
    assert mass.tare_fraction == 0.5
    if number < 2:
        johnson = math.sqrt(4 * 1.380649e-23 * resistor.resistance * parts["environment"].temperature)
        assert resistor.white_noise == pytest.approx(johnson, rel=0.02)


# --- what is printed -------------------------------------------------------------------------------------------------


def test_the_table_is_csv_with_a_line_a_point() -> None:
    point = Point("a,b", 0.1, -1.5e-8, 1e-7, 2e-8, 9e-8, 4e-8, 3e-8, 1e-8, 2.7e-7, 1.1e-7)
    heading, line = csv.reader(table([point]).splitlines())
    assert tuple(heading) == COLUMNS
    assert line[0] == "a,b" and [float(x) for x in line[1:]] == pytest.approx([getattr(point, c) for c in COLUMNS[1:]])


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has the study's figures; the table says whether E2 is met, which 10 ppm of the resistor spoil."""
    short = ["kbmini_tmtp", *(f"--set={key}" for key in SHORT)]
    assert main(["ranges", *short, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["points"]
    (expected,) = points([scenarios.load("kbmini_tmtp", SHORT)])
    assert found == {name: getattr(expected, name) for name in COLUMNS}
    assert main(["ranges", *short, "--csv"]) == 0
    assert capsys.readouterr().out == table([expected])
    spoilt = ["--set=balance.resistor.uncertainties.resistance=10 ppm", "--set=campaign.velocity.cycles=200"]
    for extra, verdict in (([], expected.u <= expected.e2), (spoilt, False)):
        assert main(["ranges", *short, *extra]) == 0
        line = capsys.readouterr().out.splitlines()[1]
        assert "1000 g" in line and line.split()[-1] == ("met" if verdict else "missed")


def test_the_command_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, short = tmp_path / "ranges.svg", ["kbmini_tmtp", *(f"--set={key}" for key in SHORT)]
    assert main(["ranges", *short, "--csv", "--plot", str(picture)]) == 0
    assert capsys.readouterr().out.startswith("scenario,mass_kg")
    assert picture.read_text().count("<svg") == 1
    assert main(["ranges", *short, "--plot", str(tmp_path / "ranges.doc")]) == 2


def test_the_picture_has_every_mass_in_its_place() -> None:
    found = [Point("x", m, 0.0, 1e-7 / m, 2e-8, 9e-8, 4e-8, 3e-8, 1e-8, 2.7e-7, 1.1e-7) for m in (0.01, 1.0, 0.1)]
    with fresh_look():
        (axis,) = ranges_picture.figure(found).axes
    (line,) = [line for line in axis.lines if line.get_label() == "twin: u(m)/m"]
    assert line.get_xdata() == pytest.approx([10.0, 100.0, 1000.0])
    assert line.get_ydata() == pytest.approx([1e4, 1e3, 1e2])


def test_the_command_refuses_a_mass_outside(capsys: pytest.CaptureFixture[str]) -> None:
    """Before it runs anything."""
    assert main(["ranges", "kbmini_tmtp", "--set=balance.test_mass.mass=2 kg"]) == 2
    assert "kbmini_tmtp: no current range for 2 kg" in capsys.readouterr().err
