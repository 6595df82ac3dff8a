"""Measure what benchmarks/README.md states, and print it as Markdown.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/measure.py

Every figure is a ratio of two things measured in turn in this one run, or stands beside what it is to be compared with.
Times are CPU seconds of one core, the least of several runs; nothing here is a test that fails on a slow machine.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bench_store
import exact_reference
import numpy as np
import on_the_wire
import reference_model
import study_costs
import ten_instruments

import scenarios
from scenarios.studies.thermal import thermal
from twin.store import RunStore

HERE = Path(__file__).parent


def cpu(work: Callable[[], Any], runs: int = 5) -> float:
    """Least CPU time (s) of several runs, after one that is not counted."""
    work()
    times = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def machine() -> str:
    """What this was measured on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "simpy"))
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}, {date.today()}"


def reference() -> list[str]:
    """The reference model: time, error against 40 digits, and mosaik in the same run."""
    seconds, exact = exact_reference.exact(8, 37)
    readings = reference_model.run(8)
    quantities = ("t0", "t1", "t2", "t3", "t4", "x", "voltage")
    ours = np.stack([np.concatenate([b.values[0] for b in readings if b.quantity == q]) for q in quantities], axis=1)
    error = float(np.max(np.abs(ours[seconds - 1] - exact).max(axis=0) / np.abs(exact).max(axis=0)))
    mine = cpu(reference_model.run)
    rows = ["| model, 8 h | time | error / full scale |", "|---|---|---|"]
    rows.append(f"| kibble-twin | {mine:.3f} s | {error:.1e} |")
    peer = subprocess.run([sys.executable, HERE / "peer_mosaik.py", "8"], capture_output=True, text=True, cwd=HERE)
    lines = [line for line in peer.stdout.splitlines() if line.startswith("{")]
    if lines:
        result = json.loads(lines[-1])
        rows.append(f"| mosaik, 1 s steps | {result['wall_s']:.1f} s | {result['error']:.1e} |")
        rows.append(f"\nmosaik takes {result['wall_s'] / mine:.0f} times as long.")
    else:
        rows.append("| mosaik | not installed: `pip install mosaik` | |")
    return rows


def campaign() -> list[str]:
    """kbmini_tmtp with every effect on, beside the time that numpy needs to draw as many normal variates."""
    experiment = scenarios.load("kbmini_tmtp")
    samples = experiment.run().readings.samples
    generator = np.random.default_rng(1)
    draws, runs = [], []
    for _ in range(6):  # in turn, so that both see the same machine
        draws.append(cpu(lambda: generator.standard_normal(samples), 1))
        runs.append(cpu(experiment.run, 1))
    draw, run = min(draws), min(runs)
    return [
        "| | |",
        "|---|---|",
        f"| samples | {samples} |",
        f"| numpy draws as many normal variates in | {draw * 1e3:.1f} ms |",
        f"| kbmini_tmtp with every effect on, scenario to result | {run:.3f} s |",
        f"| limit, 6 × draw + 0.3 s | {6 * draw + 0.3:.3f} s |",
        f"| goal beyond, 3 × draw + 0.2 s | {3 * draw + 0.2:.3f} s |",
    ]


YOKE = {"balance.coil.yoke_inductance": "1 H", "balance.flexure.weighing_position": "0.1 mm"}
FURTHER: dict[str, dict[str, Any]] = {
    "tide": {"balance.environment.tide": [{"amplitude": 1e-6, "period": 44714.0, "phase": 0.3}]},
    "temperature swing": {"balance.environment.temperature_swing": "0.1 K"},
    "drifts": {
        "balance.environment.temperature_drift": 1e-6,
        "balance.environment.pressure_drift": 1e-2,
        "balance.interferometer.laser_drift": 1e-13,
        "balance.resistor.drift": 1e-14,
        "balance.current_voltmeter.gain_drift": 1e-12,
        "balance.induced_voltmeter.gain_drift": 1e-12,
    },
    "yoke lag": YOKE,
    "yoke lag and hysteresis": {**YOKE, "balance.hysteresis.share": 1e-3},
}
"""Effects that the shipped balance leaves at their neutral values."""


def effects() -> list[str]:
    """What effects cost, as multiples of the run without any."""
    shipped = scenarios.load("kbmini_tmtp")
    cases = {"ideal": shipped.ideal(), "every effect of the shipped balance": shipped}
    cases |= {f"… and {name}": shipped.with_(overrides) for name, overrides in FURTHER.items()}
    everything = {key: value for overrides in FURTHER.values() for key, value in overrides.items()}
    cases["… and all of these"] = shipped.with_(everything)
    least = {name: np.inf for name in cases}
    for _ in range(4):  # in turn, so that all see the same machine
        for name, experiment in cases.items():
            least[name] = min(least[name], cpu(experiment.run, 1))
    rows = ["| kbmini_tmtp | time | of the ideal |", "|---|---|---|"]
    return rows + [f"| {name} | {taken:.3f} s | {taken / least['ideal']:.2f} |" for name, taken in least.items()]


def scaling() -> list[str]:
    """Cost against virtual time and against samples."""
    rows = ["| kbmini_tmtp | virtual time | samples | time | per hour | per 1e6 samples |", "|---|---|---|---|---|---|"]
    cases = [({"campaign.cycles": n}, f"{n} cycles") for n in (4, 8, 16, 32)]
    cases += [({"campaign.velocity.reading_step": s}, f"readings of {s * 1e3:g} ms") for s in (0.04, 0.01, 0.005)]
    for overrides, name in cases:
        experiment = scenarios.load("kbmini_tmtp").with_(overrides)
        result = experiment.run()
        taken, hours, samples = cpu(experiment.run, 3), result.virtual_s / 3600, result.readings.samples
        rows.append(
            f"| {name} | {hours:g} h | {samples} | {taken:.3f} s "
            f"| {taken / hours * 1e3:.1f} ms | {taken / samples * 1e6:.2f} s |"
        )
    return rows


SCHEMES = ("tmtp", "omtp", "power_regulated", "anti_series")
OTHERS = ("tsinghua_magnet_moving_tmtp", "tsinghua_magnet_moving_omtp")
VELOCITY: dict[str, tuple[str, dict[str, Any]]] = {
    "kbmini_oscillating": (
        "an hour of 1 Hz, nonlinear, after half an hour of weighing",
        {"campaign.cycles": 1, "campaign.velocity.cycles": 3569, "thermal.start": "ambient"},
    ),
    "moving_mode": (
        "100 s at 100 readings a second",
        {"campaign.frequencies": [1.0], "campaign.read_time": 100.0},
    ),
}
"""Velocity phases of a stated length: what they are, and how the shipped campaign becomes one."""


def schemes() -> list[str]:
    """Every scheme on every balance, as shipped."""
    names = [f"{balance}_{scheme}" for scheme in SCHEMES for balance in ("kbmini", "tsinghua", "nist4")]
    rows = ["| campaign | virtual time | samples | time |", "|---|---|---|---|"]
    cases = {name: scenarios.load(name) for name in (*names, *OTHERS)}
    cases |= {f"{name}: {what}": scenarios.load(name).with_(keys) for name, (what, keys) in VELOCITY.items()}
    for name, experiment in cases.items():
        result = experiment.run()
        taken = cpu(experiment.run, 3)
        rows.append(f"| {name} | {result.virtual_s / 3600:.3g} h | {result.readings.samples} | {taken:.3f} s |")
    return rows


POINTS = 1000


def studies() -> list[str]:
    """A sweep over the size of a magnet: one process, two, a cluster; and the least that a point could be."""
    chosen, nothing = study_costs.study(POINTS), study_costs.study(POINTS, "diameter")
    bare = study_costs.Bare()
    sizes = np.geomspace(0.2, 1.2, 50)
    least = points = np.inf
    for _ in range(4):  # in turn, so that both see the same machine
        least = min(least, cpu(lambda: [bare.epsilon(p) for p in sizes], 1) / len(sizes))
        points = min(points, cpu(lambda: [thermal(study_costs.at(p)) for p in sizes], 1) / len(sizes))
    one = [study_costs.here(chosen) for _ in range(2)]  # before and after, likewise
    two = study_costs.on_processes(chosen)
    one.append(study_costs.here(chosen))
    alone = np.mean([cost.driver for cost in one[1:]])
    rows = ["| nist4_tmtp over p | |", "|---|---|"]
    rows += [
        f"| a point, scenario to ε | {points * 1e3:.1f} ms |",
        f"| the same heat under a current that is on or off, numpy alone | {least * 1e3:.2f} ms |",
        f"| ratio | {points / least:.0f} |",
        f"| {POINTS} points, one process | {alone:.1f} s |",
        f"| … two processes, CPU time of all | {two.total:.1f} s |",
        f"| … wall time on two cores of one's own; target 10 s | {two.least_wall(2):.1f} s |",
        f"| … wall time on this machine | {two.wall:.1f} s |",
        f"| parallel efficiency on two cores; target 85 % | {alone / (2.0 * two.least_wall(2)):.0%} |",
    ]
    try:
        with study_costs.dask() as address:
            dask, idle = study_costs.on_dask(address, chosen), study_costs.on_dask(address, nothing)
    except ImportError:
        return [*rows, "| Dask | not installed: `pip install 'kibble-twin[dask]'` |"]
    rows.append(f"| … a Dask cluster with two workers, CPU time of all | {dask.total:.1f} s |")
    over = (idle.total - sum(idle.computing.values())) / POINTS
    waits = idle.wall / POINTS
    rows.append(f"| Dask's CPU time for a point, scheduler and all; target 5 ms | {over * 1e3:.2f} ms |")
    rows.append(f"| wall time of a point there that computes nothing but a diameter | {waits * 1e3:.2f} ms |")
    return rows


def real_time() -> list[str]:
    """Served instruments and the run store, in wall time, beside an echo, pyvisa-sim and the bare disk."""
    rows = [
        f"Load of the machine before: {os.getloadavg()[0]:.1f}.\n",
        "| | median | 99 % | target |",
        "|---|---|---|---|",
    ]

    def row(what: str, work: Callable[[], Any], runs: int, target: str = "") -> None:
        times = np.sort([_wall(work) for _ in range(runs + runs // 10)][runs // 10 :]) * 1e3
        rows.append(f"| {what} | {np.median(times):.3f} ms | {np.quantile(times, 0.99):.3f} ms | {target} |")

    with on_the_wire.served() as ports, on_the_wire.echo() as echo:
        with on_the_wire.Line(ports["current_source"]) as source:
            row("bare echo, 13 bytes", lambda: echo.ask(b"13", 13), 3000)
            row("served 6221, `CURR?`", lambda: source.ask(b"CURR?\n", 13), 3000, "2 ms")
        try:
            with on_the_wire.simulated() as ask:
                row("pyvisa-sim, `CURR?`, without a wire", lambda: ask("CURR?"), 3000)
        except (ImportError, ValueError):
            rows.append("| pyvisa-sim | not installed: `pip install pyvisa-sim` | | |")
        size = on_the_wire.KILOBYTES
        row("bare echo, 10 kB", lambda: echo.ask(b"10000", size), 1000)
        with on_the_wire.Line(ports["current_voltmeter"]) as meter:
            meter.ask(on_the_wire.MEMORY + b";MCOUNT?\n", 6)
            row("served 3458A, 10 kB of readings", lambda: meter.ask(b"RMEM 1,2500,1\n", size), 1000, "10 ms")
    account, served = ten_instruments.lag()
    lag = {key: value * 1e3 for key, value in account.items() if key.endswith("_s")}
    rows.append(
        f"| lag of {account['events']} events of a run with ten real instruments | {lag['mean_s']:.3f} ms (mean) "
        f"| {lag['p99_s']:.3f} ms | 99 %: 5 ms |"
    )
    return [*rows, f"\nThe served side of the ten: {served}.\n", *_storing()]


def _storing() -> list[str]:
    """Committed blocks of 8 kB a second."""
    rows = ["| blocks of 8 kB | a second | median | target |", "|---|---|---|---|"]

    def row(what: str, work: Callable[[], Any], target: str = "") -> None:
        times = np.array([_wall(work) for _ in range(2000)])
        rows.append(f"| {what} | {1 / times.mean():.0f} | {np.median(times) * 1e3:.3f} ms | {target} |")

    with tempfile.TemporaryDirectory(dir=HERE) as folder:
        for size, name in ((0, "appended to a file"), (1 << 22, "written over in a file")):
            write, handle = bench_store.flushing(Path(folder) / "file", size)
            row(f"{name}, each flushed (fdatasync)", write)
            os.close(handle)
        for durable, target in ((True, "2000"), (False, "")):
            with RunStore(Path(folder) / str(durable), durable=durable) as store:
                what = f"run store, SQLite, safe from {'a power failure' if durable else 'the end of the program'}"
                row(what, lambda: store.append("readings", bench_store.BLOCK), target)
    return rows


def _wall(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Print the whole page."""
    print(f"Measured on {machine()}.\n")
    for title, rows in (
        ("The reference model of co-simulation", reference()),
        ("A campaign of 8 h", campaign()),
        ("Every scheme", schemes()),
        ("What effects cost", effects()),
        ("A sweep", studies()),
        ("Cost against virtual time and samples", scaling()),
        ("Real time: the wire and the run store", real_time()),
    ):
        print(f"## {title}\n\n" + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
