"""Exports of a run, each read by something that did not write it."""

from __future__ import annotations

import configparser
import csv
import json
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import pytest
from scipy.io import loadmat

from components.air import air_density
from scenarios.cli.app import main
from scenarios.run.export import read_blocks

SHORT = ["--set=campaign.cycles=3", "--set=campaign.velocity.cycles=60", "--set=thermal.start=ambient", "--no-report"]
QUIET = ["--ideal", "--set=balance.environment.pressure=101325", "--set=balance.interferometer.wavelength=632.99e-9"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of KBmini: as shipped, and without anything but the air, with the mass on first or off first."""
    folder = tmp_path_factory.mktemp("runs")
    for name, words in {"shipped": [], "quiet": QUIET}.items():
        assert main(["run", "kbmini_tmtp", *SHORT, *words, "--out", str(folder / name)]) == 0
    return folder


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


# --- KIBB-g2, by the rules of its viewer -----------------------------------------------------------------------------


def stamped(folder: Path) -> list[Path]:
    """The data files in the order of their leading time stamps."""
    files = [*(folder / "Velocity mode").iterdir(), *(folder / "Force mode").iterdir()]
    assert all(re.fullmatch(r"\d{14}_\w+_(VM|OnFM|OffFM)Data\.dat", path.name) for path in files)
    stamps = [int(path.name.split("_")[0]) for path in files]
    assert len(set(stamps)) == len(stamps)
    return sorted(files, key=lambda path: int(path.name.split("_")[0]))


def bl_of(files: list[Path], order: int = 4) -> tuple[float, float]:
    """Time and Bl(0) of a velocity group: a Chebyshev polynomial in z for all, and one Bl for each file."""
    data = [np.loadtxt(path, ndmin=2) for path in files]
    rows = np.concatenate(data)
    which = np.repeat(np.arange(len(data)), [len(d) for d in data])
    z, bl = 0.5 * (rows[:, 2] + rows[:, 3]), 1e3 * rows[:, 6] / rows[:, 5]
    half = float(np.abs(z).max())
    shape = np.polynomial.chebyshev.chebvander(z / half, order)[:, 1:]
    shape -= np.polynomial.chebyshev.chebvander(np.zeros(1), order)[:, 1:]
    design = np.concatenate([which[:, None] == np.arange(len(data)), shape], axis=1)
    weight = np.abs(rows[:, 5])
    found = np.linalg.lstsq(design * weight[:, None], bl * weight, rcond=None)[0]
    return float(rows[:, :2].mean()), float(found[: len(data)].mean())


def viewed(folder: Path) -> tuple[float, int]:
    """Mass (g) and the number of mass-on weighings, as the viewer finds them."""
    config = configparser.ConfigParser()
    config.read(folder / "config.ini")
    told = {key: value.strip('"') for section in config.values() for key, value in section.items()}
    datetime.strptime(told["starttime"], "%m/%d/%Y %H:%M:%S")
    datetime.strptime(told["rescaldate"], "%b %d %Y")
    ohm, scale = float(told["resohm"]), float(told["zenerrefvalv"]) / float(told["dvmcalvalv"])
    groups: list[tuple[float, float]] = []
    phases: list[list[tuple[bool, float, float]]] = []
    moving: list[Path] = []
    for path in [*stamped(folder), None]:
        kind = "" if path is None else path.name.rpartition("_")[2].lower()  # what the viewer goes by
        if path is not None and kind == "vmdata.dat":
            moving.append(path)
            continue
        if moving:
            groups.append(bl_of(moving))
            phases.append([])
            moving = []
        if path is not None:
            t, volts, _ = np.loadtxt(path, ndmin=2).T
            phases[-1].append((kind.startswith("on"), float(t.mean()), float(volts.mean()) * scale / ohm))
    assert phases[-1] == []  # ends with a velocity group
    times, bls = np.array(groups).T
    air = np.loadtxt(folder / "PRTData.dat", skiprows=1)
    assert (air[:, 1:4] != 0).all()
    density = float(np.mean(air_density(air[:, 3] + 273.15, 100 * air[:, 2], air[:, 1] / 100)))
    masses = []
    for held in phases[:-1]:
        on, when, current = (np.array(column) for column in zip(*held, strict=True))
        assert list(on) == [k % 2 == 1 for k in range(len(on))]
        for k in range(1, len(held), 2):
            off = np.interp(when[k], when[k - 1 : k + 2 : 2], current[k - 1 : k + 2 : 2])
            masses.append((current[k] - off) * np.interp(when[k], times, bls) / float(told["locgravity"]))
    buoyancy = 1 + density / float(told["massdensity"])
    return 1e3 * float(np.mean(masses)) * buoyancy, len(masses)


def test_the_viewer_finds_the_mass_without_effects(runs: Path, tmp_path: Path) -> None:
    """All that it does not correct is off: what is left is the second order of the buoyancy."""
    assert main(["export", str(runs / "quiet"), "--format", "kibbg2", "--out", str(tmp_path / "nist")]) == 0
    mass, number = viewed(tmp_path / "nist")
    density = float(air_density(298.15, 101325, 0.5))
    assert number == 2
    assert mass == pytest.approx(1e3 * (1 - (density / 8000) ** 2), rel=2e-9)


def test_the_viewer_finds_the_mass_within_its_uncertainty(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    out = tmp_path / "nist"
    words = ["--format", "kibbg2", "--out", str(out), "--start", "2025-03-31T12:00:00", "--json"]
    assert main(["export", str(runs / "shipped"), *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["written"] == str(out)
    assert len(found["left_out"]) == 5 + 2 + 2
    result = summary(runs / "shipped")["result"]
    mass, _ = viewed(out)
    assert abs(mass - 1e3 * result["mass_kg"]) < 3e3 * result["u_mass_kg"]
    text = (out / "config.ini").read_text()
    assert 'StartTime = "03/31/2025 12:00:00"' in text and "NominalMassGrams = 1000\n" in text
    assert min(path.name for path in (out / "Velocity mode").iterdir()).startswith("20250331")


def test_a_run_with_real_instruments_began_when_it_did(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured, out = tmp_path / "measured", tmp_path / "nist"
    shutil.copytree(runs / "quiet", measured)
    with h5netcdf.File(measured / "run.nc", "a") as file:
        file.attrs["began"] = "2026-11-22T17:57:18.250+00:00"
    capsys.readouterr()
    assert main(["export", str(measured), "--format", "kibbg2", "--out", str(out)]) == 0
    *named, more = capsys.readouterr().err.splitlines()
    assert len(named) == 5 and more == "note: and 4 more, which --json lists"
    assert 'StartTime = "11/22/2026 17:57:18"' in (out / "config.ini").read_text()
    assert min(path.name for path in (out / "Velocity mode").iterdir()).startswith("20261122")


@pytest.mark.parametrize(
    ("name", "said"),
    [("nist4_omtp", "knows one winding"), ("moving_mode", "moving_mode weighs nothing")],
)
def test_what_the_format_has_no_place_for(
    name: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {
        "nist4_omtp": ["campaign.cycles=4", "campaign.velocity.pairs=3", "thermal.start=ambient"],
        "moving_mode": ["campaign.frequencies=[1]", "campaign.read_time=4"],
    }[name]
    run = tmp_path / "run"
    assert main(["run", name, *(f"--set={key}" for key in keys), "--no-report", "--out", str(run)]) == 0
    capsys.readouterr()
    assert main(["export", str(run), "--format", "kibbg2"]) == 2
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


# --- the others ------------------------------------------------------------------------------------------------------


def test_a_table_has_every_reading(runs: Path, tmp_path: Path) -> None:
    assert main(["export", str(runs / "quiet"), "--format", "csv", "--out", str(tmp_path / "run.csv")]) == 0
    with (tmp_path / "run.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    readings, _ = read_blocks(runs / "quiet" / "run.nc")
    assert len(rows) == readings.samples
    own = [row for row in rows if row["channel"] == "current_voltmeter" and row["weighing"] == "2"]
    own = [row for row in own if row["cycle"] == "1" and row["phase"] == "weighing"]
    (block,) = readings.select("current_voltmeter", phase="weighing", cycle=1, weighing=2)
    assert [float(row["value"]) for row in own] == block.values.ravel().tolist()
    assert [float(row["time_s"]) for row in own] == pytest.approx(block.times().ravel().tolist(), rel=1e-15)
    assert {row["unit"] for row in own} == {"V"} and {row["state"] for row in own} == {"on"}


def test_matlab_gets_the_blocks_with_their_labels(runs: Path, tmp_path: Path) -> None:
    assert main(["export", str(runs / "shipped"), "--format", "mat", "--out", str(tmp_path / "run.mat")]) == 0
    found = loadmat(tmp_path / "run.mat", simplify_cells=True)
    readings, _ = read_blocks(runs / "shipped" / "run.nc")
    voltage = found["induced_voltmeter_voltage_velocity"]
    expected = np.stack([block.values for block in readings.select("induced_voltmeter", phase="velocity")])
    assert np.array_equal(voltage["values"], expected) and voltage["units"] == "V"
    assert voltage["aperture_s"] == 0.025 and list(voltage["cycle"]) == [0, 1, 2]
    weighed = found["current_voltmeter_voltage_weighing"]
    assert list(weighed["state"])[:2] == ["on", "off"] and weighed["start_ns"][0] == 45_000_000_000
    assert found["run"]["scenario_hash"] == summary(runs / "shipped")["scenario_hash"]


def test_netcdf_is_the_run_s_own_file(runs: Path, tmp_path: Path) -> None:
    assert main(["export", str(runs / "quiet"), "--out", str(tmp_path / "run.nc")]) == 0
    assert (tmp_path / "run.nc").read_bytes() == (runs / "quiet" / "run.nc").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "no such folder"),
        (["quiet", "--format", "xls"], "kibbg2"),
        (["quiet", "--out", "shipped"], "is there already"),
        (["quiet", "--out", "nowhere/run.nc"], "is no folder"),
    ],
)
def test_wrong_words(
    runs: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs)
    assert main(["export", *words]) == 2
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in runs.iterdir()) == ["quiet", "shipped"]
