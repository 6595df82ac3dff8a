"""Sweeps: what is computed, what a failure does, interruptions, and where it runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from scenarios.cli.app import main
from scenarios.cli.sweep import duration, roughly
from scenarios.run.output import OutputError
from scenarios.studies import forecast, outputs, sweep
from scenarios.studies.executors import ClusterError, cluster, processes
from scenarios.studies.journal import Journal, Row
from scenarios.studies.study import Point, Study, load_study
from scenarios.studies.sweep import Pool

STUDY = """study: 1
scenario: nist4_tmtp
axes:
  p: {path: balance.scale, values: [0.4, 0.6, 1]}
  h: {path: balance.thermal_mass.film_coefficient, values: [5, 10]}
outputs: [diameter, magnet_mass]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "study.yaml"
    found.write_text(STUDY)
    return found


def run(*words: Any) -> int:
    return main(["sweep", *map(str, words), "--workers", "1"])


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the points that are computed."""
    numbers: list[int] = []
    real = sweep._computed

    def counting(base: Any, wanted: Any, point: Any) -> Row:
        numbers.append(point.number)
        return real(base, wanted, point)

    monkeypatch.setattr(sweep, "_computed", counting)
    return numbers


# --- results ---------------------------------------------------------------------------------------------------------


def test_the_dataset(path: Path, tmp_path: Path) -> None:
    """Named coordinates with units; each point at its place."""
    out = tmp_path / "s.nc"
    assert run(path, "--out", out) == 0
    with xr.open_dataset(out, engine="h5netcdf") as data:
        assert dict(data.sizes) == {"p": 3, "h": 2}
        assert data.h.attrs == {"long_name": "balance.thermal_mass.film_coefficient", "units": "W/(m^2*K)"}
        assert data.magnet_mass.attrs["units"] == "kg"
        assert data.magnet_mass.sel(h=5.0).values == pytest.approx(850 * data.p.values**3)
        assert (data.diameter.sel(h=10.0) == data.diameter.sel(h=5.0)).all()
        assert set(data.error.values.ravel()) == {""} and len(set(data.scenario_hash.values.ravel())) == 6
        assert data.attrs["scenario_name"] == "nist4_tmtp" and "extends" not in data.attrs["scenario"]
    assert not list(tmp_path.glob(".s.nc*"))


def test_json_and_table(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["p"], row["h"]) for row in found["rows"]] == [(p, h) for p in (0.4, 0.6, 1) for h in (5, 10)]
    assert found["points"] == 6 and found["failed"] == 0
    assert run(path) == 0
    table = capsys.readouterr().out.splitlines()
    assert len(table) == 7 and "diameter / m" in table[0] and "h / W/(m²*K)" in table[0].replace("·", "*")


def test_nothing_but_what_is_wanted_is_computed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("was computed")

    monkeypatch.setattr(outputs, "SOURCES", {**outputs.SOURCES, "thermal": never, "run": never})
    assert run(path) == 0


def test_samples_have_points(tmp_path: Path, path: Path) -> None:
    sampled = STUDY.replace("values: [0.4, 0.6, 1]", "from: 0.4, to: 1") + "sampling: {method: sobol, points: 8}\n"
    path.write_text(sampled + "variants: {a: {}, b: {seed: 2}}\n")
    assert run(path, "--out", tmp_path / "s.nc") == 0
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as data:
        assert dict(data.sizes) == {"variant": 2, "point": 8}
        assert data.diameter.sel(variant="b").values == pytest.approx(0.6 * data.p.values)


def test_a_failed_point_is_a_row(tmp_path: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A drift of the room has no periodic state: no ε, and the others have theirs."""
    path.write_text(
        """study: 1
scenario: nist4_tmtp
axes:
  drift: {path: balance.environment.temperature_drift, values: [0, 1e-6 K/s]}
outputs: [diameter, epsilon]
"""
    )
    assert run(path, "--out", tmp_path / "s.nc") == 0
    assert "1 of 2 points failed" in capsys.readouterr().err
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as data:
        assert np.isfinite(data.epsilon.values).tolist() == [True, False]
        assert "room changes" in str(data.error.values[1]) and data.error.values[0] == ""


# --- interruptions ---------------------------------------------------------------------------------------------------


def test_resumed_without_repeating_a_point(
    path: Path, tmp_path: Path, computed: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Interrupted after three points; then only the other three are computed, and the file is as of one go."""
    out, real, kept = tmp_path / "s.nc", Journal.write, list[int]()

    def interrupted(self: Journal, row: Row) -> None:
        real(self, row)
        kept.append(row.number)
        if len(kept) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", interrupted)
        assert run(path, "--out", out) == 130
    assert "3 of 6 points are kept" in capsys.readouterr().err and not out.exists()
    assert run(path, "--out", out) == 2
    assert "add --resume" in capsys.readouterr().err
    with open(tmp_path / ".s.nc.points", "ab") as journal:
        journal.write(b'{"number": 3, "ke')  # killed while it wrote
    computed.clear()
    assert run(path, "--out", out, "--resume") == 0
    assert len(kept) == 3 and sorted(computed) == sorted(set(range(6)) - set(kept))
    assert "3 of 6 points had finished" in capsys.readouterr().err
    whole = tmp_path / "whole.nc"
    assert run(path, "--out", whole) == 0
    with xr.open_dataset(out, engine="h5netcdf") as one, xr.open_dataset(whole, engine="h5netcdf") as other:
        xr.testing.assert_identical(one.load(), other.load())


def test_a_study_that_has_grown_computes_what_is_new(path: Path, tmp_path: Path, computed: list[int]) -> None:
    out = tmp_path / "s.nc"
    assert run(path, "--out", out) == 0
    path.write_text(STUDY.replace("[0.4, 0.6, 1]", "[0.4, 0.5, 0.6, 1]"))
    computed.clear()
    assert run(path, "--out", out, "--resume") == 0
    assert sorted(computed) == [2, 3]
    path.write_text(STUDY.replace("magnet_mass]", "magnet_mass, resistance]"))
    computed.clear()
    assert run(path, "--out", out, "--resume") == 0
    assert len(computed) == 6  # another output is wanted of all


def test_a_full_disk_loses_nothing(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    journal = Journal(tmp_path / "j")
    journal.write(Row(0, "a", {"u": 1.0}))
    journal.close()
    with pytest.raises(OutputError, match="no space left on device; what is there is kept"), Journal(full) as broken:
        broken._stream = open(full, "wb", buffering=0)  # noqa: SIM115
        broken.write(Row(1, "b", {"u": 1.0}))
    assert list(Journal(tmp_path / "j").read()) == ["a"]


def test_what_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("hello\nworld\n")
    with pytest.raises(OutputError, match="j:1: is no line of a sweep"):
        Journal(tmp_path / "j").read()


# --- workers ---------------------------------------------------------------------------------------------------------


class Dying(Executor):
    """Breaks on a batch that holds a certain point, as a pool whose process is killed."""

    made = 0

    def __init__(self, deadly: int) -> None:
        self.deadly, self.broken = deadly, False
        Dying.made += 1

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.broken |= any(point.number == self.deadly for point in args[2])
        if self.broken:
            future.set_exception(BrokenProcessPool("died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_a_point_that_kills_its_process_is_a_row(path: Path) -> None:
    study = load_study(path)
    found = sorted(sweep.rows(study, study.points(), Pool(lambda: Dying(4), 2), 0.1), key=lambda row: row.number)
    assert [row.number for row in found] == list(range(6))
    assert [bool(row.error) for row in found] == [False] * 4 + [True, False]
    assert "process that computed it died" in found[4].error


def test_a_point_whose_process_died_is_computed_again(
    path: Path, tmp_path: Path, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What killed it may have been anything, such as a machine that went down: with --resume it has another chance."""
    out = tmp_path / "s.nc"
    path.write_text(STUDY.replace("[0.4, 0.6, 1]", "[0.4, 0.5, 0.6, 1]"))
    with monkeypatch.context() as patch:
        patch.setattr("scenarios.studies.executors.processes", lambda count: Dying(4))
        assert main(["sweep", str(path), "--workers", "2", "--out", str(out)]) == 0
    with xr.open_dataset(out, engine="h5netcdf") as data:
        assert "process that computed it died" in str(data.error.values.ravel()[4])
        hashes = data.scenario_hash.values.copy()
    computed.clear()
    assert run(path, "--out", out, "--resume") == 0
    assert computed == [4]
    with xr.open_dataset(out, engine="h5netcdf") as data:
        assert set(data.error.values.ravel()) == {""} and np.isfinite(data.diameter.values).all()
        assert (data.scenario_hash.values == hashes).all()


def test_a_point_that_failed_is_not_computed_again(path: Path, tmp_path: Path, computed: list[int]) -> None:
    """It would fail again."""
    path.write_text(STUDY.replace("h: {path: balance.thermal_mass.film_coefficient, values: [5, 10]}",
                                  "d: {path: balance.environment.temperature_drift, values: [0, 1e-6]}")
                    .replace("diameter,", "epsilon,"))  # fmt: skip
    assert run(path, "--out", tmp_path / "s.nc") == 0
    computed.clear()
    assert run(path, "--out", tmp_path / "s.nc", "--resume") == 0
    assert computed == []


def test_any_executor_gives_the_same(path: Path) -> None:
    study = load_study(path)
    alone = list(sweep.rows(study, study.points(), None, 0.1))
    others = sorted(
        sweep.rows(study, study.points(), Pool(lambda: ThreadPoolExecutor(2), 2), 0.3), key=lambda row: row.number
    )
    assert [(row.key, row.values) for row in alone] == [(row.key, row.values) for row in others]


def test_processes(path: Path, tmp_path: Path) -> None:
    """Started afresh; results as here."""
    study = load_study(path)
    here = list(sweep.rows(study, study.points(), None, 0.1))
    there = list(sweep.rows(study, study.points(), Pool(lambda: processes(2), 2), 0.2))
    assert {(row.key, tuple(row.values.items())) for row in here} == {
        (row.key, tuple(row.values.items())) for row in there
    }


def test_a_cluster_that_does_not_answer() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ClusterError, match="no Dask scheduler answers there"), cluster("tcp://127.0.0.1:9", 0.3):
        pass


def test_a_cluster_without_dask(
    monkeypatch: pytest.MonkeyPatch, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["sweep", str(path), "--cluster", "tcp://127.0.0.1:9"]) == 2
    assert "pip install 'kibble-twin[dask]'" in capsys.readouterr().err


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, each a process of its own."""
    pytest.importorskip("distributed")
    file, environment = tmp_path / "scheduler.json", {**os.environ, "OPENBLAS_NUM_THREADS": "1"}

    def start(module: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--scheduler-file", str(file), *words]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    started = [start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")]
    try:
        for _ in range(600):
            if file.exists() and file.stat().st_size:
                break
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        started += [start("dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard") for _ in range(2)]
        yield address, started[1:]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


@pytest.mark.filterwarnings("ignore")
def test_a_worker_is_killed_on_a_cluster(dask: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path) -> None:
    """Every point has its row all the same, that of one process here."""
    address, workers = dask
    path = tmp_path / "s.yaml"
    path.write_text(
        "study: 1\nscenario: nist4_tmtp\noutputs: [epsilon]\n"
        "axes:\n  p: {path: balance.scale, from: 0.3, to: 1, points: 60}\n"
    )
    study: Study = load_study(path)
    found: list[Row] = []
    with cluster(address, 60.0) as (executor, _):
        for row in sweep.rows(study, study.points(), Pool(lambda: executor, 2), 0.1):
            if not found:
                workers[0].send_signal(signal.SIGKILL)
            found.append(row)
    assert sorted(row.number for row in found) == list(range(60))
    assert not any(row.error for row in found)
    here = {row.number: row for row in sweep.rows(study, list(study.points())[::20], None, 0.1)}
    assert all(row.values == here[row.number].values for row in found if row.number in here)


@pytest.mark.filterwarnings("ignore")
def test_an_optimisation_on_a_cluster(
    dask: tuple[str, list[subprocess.Popen[bytes]]], path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same front as of one process here, generation by generation on the same workers."""
    address, _ = dask
    text = STUDY[: STUDY.index("  h:")].replace("values: [0.4, 0.6, 1]", "from: 0.3, to: 1")
    path.write_text(f"{text}sampling: {{method: sobol, points: 4}}\noutputs: [epsilon]\nobjectives: [magnet_mass]\n")
    fronts = []
    for where in (["--cluster", address], ["--workers", "1"]):
        assert main(["optimise", str(path), "--generations", "2", "--json", *where]) == 0
        fronts.append(json.loads(capsys.readouterr().out)["front"])
    assert fronts[0] == fronts[1]


# --- before it starts ------------------------------------------------------------------------------------------------


def long(path: Path, outputs: str = "epsilon", axes: str = "") -> Study:
    path.write_text(
        f"study: 1\nscenario: nist4_tmtp\noutputs: [{outputs}]\naxes:\n{axes}"
        "  p: {path: balance.scale, from: 0.3, to: 1, points: 20}\n"
    )
    return load_study(path)


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Point], float]], None]:
    """Points take what is said, and nothing is computed."""

    def say(cost: Callable[[Point], float]) -> None:
        def of(base: Any, wanted: Any, points: Any) -> list[Row]:
            return [Row(point.number, str(point.number), {}, "", cost(point)) for point in points]

        monkeypatch.setattr(forecast, "compute", of)

    return say


@pytest.mark.parametrize(
    ("seconds", "numbers"), [(0.01, [0, 19, 9, 4, 14]), (0.4, [0, 19, 9]), (3.0, [0, 19]), (60.0, [0])]
)
def test_few_points_are_timed_where_each_is_long(
    seconds: float, numbers: list[int], path: Path, clocked: Callable[[Callable[[Point], float]], None]
) -> None:
    study = long(path)
    clocked(lambda point: seconds)
    points = list(study.points())
    found = list(forecast.timed(study, points))
    assert [row.number for row in found] == numbers
    assert forecast.seconds_a_point(study, points, found) == pytest.approx(seconds)


def test_an_axis_that_changes_the_cost(path: Path, clocked: Callable[[Callable[[Point], float]], None]) -> None:
    """Runs of 2 and of 40 cycles: the mean is told from the first alone, which is a short one."""
    study = long(path, "u", "  cycles: {path: campaign.cycles, values: [2, 40]}\n")
    clocked(lambda point: 6.0 * point.overrides["campaign.cycles"])
    points = list(study.points())
    found = list(forecast.timed(study, points))
    assert [row.number for row in found] == [0]
    assert forecast.seconds_a_point(study, points, found) == pytest.approx(6.0 * 21, rel=0.3)


def test_the_first_point_pays_for_what_is_loaded(
    path: Path, clocked: Callable[[Callable[[Point], float]], None]
) -> None:
    study = long(path)
    clocked(lambda point: 0.01 if point.number else 1.0)
    points = list(study.points())
    assert forecast.seconds_a_point(study, points, list(forecast.timed(study, points))) == pytest.approx(0.01)


def test_how_long_side_by_side() -> None:
    """As long as a point at least, and the processes have to start."""
    pool = Pool(lambda: ThreadPoolExecutor(2), 2, 1.5)
    assert forecast.total(2.0, 10, None) == 20.0
    assert forecast.total(2.0, 10, pool) == 11.5
    assert forecast.total(2.0, 1, pool) == 2.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "less than a second"),
        (16.6, "about 17 s"),
        (24.0, "about 20 s"),
        (150.0, "about 2 min"),
        (8e3, "about 2 h"),
    ],
)
def test_an_expected_time_has_few_digits(seconds: float, words: str) -> None:
    assert roughly(seconds) == words


def test_a_time_has_no_power_of_ten() -> None:
    """Two digits in the unit that suits them; 320 ms would take three."""
    found = [duration(seconds) for seconds in (4.2e-3, 0.0991, 0.32, 1.5, 95.0, 600.0, 86400.0)]
    assert found == ["4.2 ms", "99 ms", "0.32 s", "1.5 s", "95 s", "10 min", "24 h"]


def test_it_is_said_before_the_others_begin(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However short it is; what is asked for as JSON is not disturbed."""
    long(path, "diameter")
    assert run(path, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["points"] == 20
    assert err.splitlines()[0] == "note: 15 more points, less than a second on one process"


def test_dry_run(path: Path, computed: list[int], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(path, "--dry-run", "--out", tmp_path / "s.nc") == 0
    text = capsys.readouterr().out
    assert "6 points (3 × 2) of nist4_tmtp" in text and "a point" in text
    assert 3 <= len(computed) <= 5 and not list(tmp_path.glob("*.nc"))  # first, last, middle; quarters if quick
    assert run(path, "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["points"] == 6


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        (STUDY.replace("values: [5, 10]", "from: 5, to: 10, points: 4000"), [], "12000 points are more than 10000"),
        (STUDY, ["--resume"], "give it with --out"),
        (STUDY, ["--out", "/no/such/folder/s.nc"], "expected a file in a folder that is there"),
        (STUDY.replace("balance.scale", "balance.sclae"), [], "study.yaml:4: axes.p"),
    ],
)
def test_bad_input_is_one_line(
    text: str, words: list[str], message: str, path: Path, capsys: pytest.CaptureFixture[str], computed: list[int]
) -> None:
    path.write_text(text)
    assert run(path, *words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not computed


def test_an_older_file_stays(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "s.nc"
    out.write_text("mine")
    assert run(path, "--out", out) == 2 and "is there: add --resume" in capsys.readouterr().err
    assert run(path, "--out", out, "--resume") == 2 and "is no sweep of kibble-twin" in capsys.readouterr().err
    assert out.read_text() == "mine"


@pytest.mark.parametrize("command", ["sweep", "optimise"])
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nonsense", "expected the address of a scheduler, such as tcp://127.0.0.1:8786, not 'nonsense'"),
        ("tcp://127.0.0.1:9", "tcp://127.0.0.1:9: no Dask scheduler answers there"),
    ],
)
def test_an_unreachable_scheduler_is_one_line(
    command: str, address: str, message: str, path: Path, capsys: pytest.CaptureFixture[str], computed: list[int],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Nothing is computed, and nothing is left behind."""
    pytest.importorskip("distributed")
    monkeypatch.setattr("scenarios.studies.executors.cluster", lambda address: cluster(address, 0.3))
    path.write_text(STUDY + "objectives: [magnet_mass]\n")
    assert main([command, str(path), "--cluster", address, "--out", str(tmp_path / "s.nc")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not computed and [each.name for each in tmp_path.iterdir()] == ["study.yaml"]
