"""run.nc: readable by anyone, and back to the very blocks, so that a reduction can be run again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import scenarios
from scenarios.reduction import ReductionSettings, reduce
from scenarios.run.certificates import certificates
from scenarios.run.export import ExportError, read_blocks, write_blocks, write_run
from scenarios.run.result import Result
from twin.recorder import Block, Blocks, Label, Schedule


def fields(block: Block) -> tuple[object, ...]:
    """All of a block but its values; labels with their order and types."""
    labels = [(key, value, type(value)) for key, value in block.labels.items()]
    return block.schedule, block.channel, block.quantity, block.unit, block.aperture, block.source, labels


def same(found: Blocks, expected: Blocks) -> None:
    """The same blocks, those expected in the order of time."""
    ordered = sorted(expected, key=lambda b: (b.schedule.end, b.schedule.start, b.channel, b.quantity))
    assert [fields(block) for block in found] == [fields(block) for block in ordered]
    assert all(np.array_equal(a.values, b.values) for a, b in zip(found, ordered, strict=True))


@pytest.fixture(scope="module")
def result() -> Result:
    """A short campaign."""
    return scenarios.load("kbmini_tmtp", ["campaign.cycles=2", "campaign.velocity.cycles=20"]).run()


@pytest.fixture(scope="module")
def file(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its file."""
    path = tmp_path_factory.mktemp("run") / "run.nc"
    write_run(result, path)
    return path


def test_round_trip(result: Result, file: Path) -> None:
    """Every block comes back, and the reduction finds the same mass to the last bit."""
    readings, truth = read_blocks(file)
    same(readings, result.readings)
    same(truth, result.truth)
    settings = result.scenario.section("reduction", ReductionSettings)
    again = reduce(readings, certificates(result.scenario), settings)
    assert (again.mass_kg, again.u_mass_kg) == (result.mass.mass_kg, result.mass.u_mass_kg)


def test_what_others_read(result: Result, file: Path) -> None:
    """Units, times and labels in the names of xarray; the truth only where it is asked for."""
    with xr.open_dataset(file, engine="h5netcdf") as data:
        voltage = data["current_voltmeter_voltage_weighing"]
        weighings = result.scenario.resolved["campaign"]["weighing"]["count"]
        assert voltage.dims == ("weighing_record", "weighing_burst", "weighing_reading")
        assert voltage.sizes["weighing_record"] == 2 * weighings
        assert voltage.attrs["units"] == "V" and voltage.attrs["quantity"] == "voltage"
        assert {"step_ns", "aperture_ns", "source", "long_name"} <= set(voltage.attrs)
        assert voltage["weighing_start_ns"].dtype == np.int64
        assert set(voltage["weighing_state"].values) == {"on", "off"}
        assert data["interferometer_position_weighing"].dims[0] == "weighing_record"  # aligned with the voltage
        for key in ("version", "seed", "scenario_hash", "scenario", "campaign"):
            assert key in data.attrs
        assert not any("bl" in str(name).split("_") for name in data.variables)
    with xr.open_dataset(file, engine="h5netcdf", group="truth") as truth:
        assert {"coil_bl", "coil_power", "thermal_mass_magnet_temperature_rise"} <= set(truth.data_vars)


def block(start: int, labels: dict[str, Label], *, shape: tuple[int, int] = (1, 3), aperture: int = 5) -> Block:
    """A block of the channel ``meter``."""
    repeats, count = shape
    schedule = Schedule(start, 10, count, 100 if repeats > 1 else 0, repeats)
    values = np.random.default_rng(start).normal(size=shape)
    return Block("meter", "voltage", "V", schedule, aperture, values, labels, "real")


def test_odd_blocks(tmp_path: Path) -> None:
    """Labels of any type and name, blocks that differ in one thing, values that are no numbers, no truth."""
    blocks = [
        block(0, {"phase": "weighing", "cycle": 0, "good": True, "weight": 0.1}),
        block(100, {"phase": "weighing", "cycle": 1, "good": False, "weight": 2.0}),
        block(200, {"phase": "weighing", "cycle": 1, "good": False, "weight": 2}),
        block(300, {"phase": "weighing", "cycle": 2}),
        block(400, {"cycle": 2, "phase": "weighing"}),
        block(500, {"start_ns": 3, "record": "a", "phase": "rest", "a b": 1, "a_b": 2}),
        block(600, {}),
        block(700, {}, shape=(2, 3)),
        block(1100, {}, shape=(2, 4)),
        block(1500, {}, aperture=0),
        block(2**53 + 1, {"phase": "späte Phase"}),
    ]
    blocks[6].values[0, 1] = np.nan
    path = tmp_path / "odd.nc"
    write_blocks(path, Blocks(blocks), Blocks(), {"title": "odd"})
    readings, truth = read_blocks(path)
    assert len(truth) == 0
    ordered = sorted(blocks, key=lambda b: b.schedule.end)
    assert [fields(found) for found in readings] == [fields(expected) for expected in ordered]
    for found, expected in zip(readings, ordered, strict=True):
        assert np.array_equal(found.values, expected.values, equal_nan=True)


def test_what_is_no_run(tmp_path: Path) -> None:
    """Is an error that names the file."""
    path = tmp_path / "other.nc"
    with pytest.raises(ExportError, match=r"other\.nc"):
        read_blocks(path)
    path.write_bytes(b"no netCDF")
    with pytest.raises(ExportError, match=r"other\.nc"):
        read_blocks(path)
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(ExportError, match=r"other\.nc: expected a run of kibble-twin"):
        read_blocks(path)


def test_the_content_of_a_table_is_in_the_hash_and_in_the_resolved_scenario(tmp_path: Path) -> None:
    """The same file in another folder is the same scenario; other numbers in it are not."""
    magnet = "  magnet:\n    bl: null\n    profile: null\n    profile_file: bl.csv\n"
    text = f"schema: 1\nextends: kbmini_tmtp\nbalance:\n{magnet}"
    found = []
    for folder, peak in (("a", 1400.0), ("b", 1400.0), ("c", 1390.0)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(text, encoding="utf-8")
        rows = "".join(f"{z * 1e-3},{peak - abs(z)}\n" for z in range(-4, 5))
        (tmp_path / folder / "bl.csv").write_text(rows, encoding="utf-8")
        found.append(scenarios.load(tmp_path / folder / "mine.yaml").scenario)
    assert found[0].hash == found[1].hash != found[2].hash
    assert found[0].resolved["balance"]["magnet"]["table"][4] == [0.0, 1400.0]
