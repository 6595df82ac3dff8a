"""What a point of a sweep costs, and what it costs on top to have it computed elsewhere.

Everything is CPU time of the processes concerned, so that another program on the machine does not count; wall time
stands beside it. `bare` is the least that anybody could compute in place of a point: the same heat under a current that
is switched on and off, in closed form, with numpy alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import scenarios
from components.thermal_mass import ThermalMass
from scenarios.run.experiment import Experiment
from scenarios.studies import sweep
from scenarios.studies.executors import cluster, processes
from scenarios.studies.outputs import evaluate
from scenarios.studies.study import Study, load_study
from scenarios.studies.thermal import thermal

HERE = Path(__file__).parent
STUDY = """study: 1
scenario: nist4_tmtp
axes:
  p: {{path: balance.scale, from: 0.2, to: 1.2, points: {points}, spacing: log}}
outputs: [{outputs}]
"""


def study(points: int, outputs: str = "epsilon") -> Study:
    """TMTP of NIST-4's magnet over its size."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.yaml"
        path.write_text(STUDY.format(points=points, outputs=outputs))
        return load_study(path)


@cache
def _base() -> Experiment:
    return scenarios.load("nist4_tmtp")


def at(p: float) -> Experiment:
    """A point."""
    return _base().with_({"balance.scale": p})


@dataclass
class Cost:
    """Of a sweep (s).

    Parameters
    ----------
    wall : from the first point to the last, with the start of the processes.
    driver : CPU time of the process that hands out points and keeps rows.
    computing : CPU time within the points' computation, by process.
    spent : CPU time since their start, by process that computes.
    other : CPU time of what else takes part, such as a scheduler.
    """

    points: int
    wall: float
    driver: float
    computing: dict[int, float] = field(default_factory=dict)
    spent: dict[int, float] = field(default_factory=dict)
    other: float = 0.0

    @property
    def total(self) -> float:
        """CPU time of all processes."""
        return self.driver + self.other + sum(self.spent.values())

    def least_wall(self, cores: int) -> float:
        """On so many cores that nobody else uses: all work shared out, but no worker split in two."""
        return max(self.total / cores, max(self.spent.values(), default=0.0))


def _metered(work: Callable[..., Any], *args: Any) -> tuple[Any, int, float, float]:
    begin = time.process_time()
    result = work(*args)
    end = time.process_time()
    return result, os.getpid(), end - begin, end


class Metered(Executor):
    """Another executor, whose processes say what CPU time they have used."""

    def __init__(self, inner: Executor, cost: Cost) -> None:
        self.inner, self.cost = inner, cost

    def submit(self, work: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()

        def pass_on(inner: Any) -> None:
            try:
                result, process, computing, spent = inner.result()
            except BaseException as error:
                outer.set_exception(error)
                return
            self.cost.computing[process] = self.cost.computing.get(process, 0.0) + computing
            self.cost.spent[process] = max(self.cost.spent.get(process, 0.0), spent)
            outer.set_result(result)

        self.inner.submit(_metered, work, *args).add_done_callback(pass_on)
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.inner.shutdown(wait=wait, cancel_futures=cancel_futures)


def swept(chosen: Study, make: Callable[[], Executor] | None, workers: int, seconds: float = 0.015) -> Cost:
    """Sweep, here without `make`, and say what it took."""
    cost = Cost(chosen.size, 0.0, 0.0)
    pool = None if make is None else sweep.Pool(lambda: Metered(make(), cost), workers)
    wall, driver = time.perf_counter(), time.process_time()
    rows = list(sweep.rows(chosen, chosen.points(), pool, seconds))
    cost.wall, cost.driver = time.perf_counter() - wall, time.process_time() - driver
    wrong = [row.error for row in rows if row.error]
    if wrong or len(rows) != chosen.size:
        raise RuntimeError(wrong[0] if wrong else "points are missing")
    return cost


def here(chosen: Study) -> Cost:
    """One process, nothing handed out; after a point that is not counted."""
    evaluate(chosen.base, chosen.outputs)
    return swept(chosen, None, 1)


def on_processes(chosen: Study, workers: int = 2) -> Cost:
    """A pool on this machine, its start included."""
    return swept(chosen, lambda: processes(workers), workers)


@contextmanager
def dask(workers: int = 2) -> Iterator[str]:
    """The address of a scheduler with single-threaded workers, all processes of their own on the loopback."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"

        def start(module: str, *words: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", f"distributed.cli.{module}", "--scheduler-file", str(file), *words]
            silent: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            return subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(HERE)}, **silent)

        started = [start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")]
        try:
            deadline = time.monotonic() + 60.0
            while not (file.exists() and file.stat().st_size):
                if time.monotonic() > deadline:
                    raise RuntimeError("the scheduler does not start")
                time.sleep(0.1)
            more = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
            started += [start("dask_worker", *more) for _ in range(workers)]
            yield json.loads(file.read_text())["address"]
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(20.0)


def on_dask(address: str, chosen: Study, workers: int = 2) -> Cost:
    """The workers of a cluster that runs already; a first sweep, which imports everything there, is not counted."""
    from distributed import Client

    with Client(address, set_as_default=False) as watcher, cluster(address, wait=60.0) as (executor, _):
        watcher.wait_for_workers(workers, timeout=60.0)
        swept(study(64 * workers), lambda: _Kept(executor), workers)

        def clocks() -> tuple[float, dict[str, float]]:
            return watcher.run_on_scheduler(time.process_time), watcher.run(time.process_time)

        scheduler, before = clocks()
        cost = swept(chosen, lambda: _Kept(executor), workers)
        later, after = clocks()
    cost.spent = {k: after[name] - before[name] for k, name in enumerate(after)}
    cost.other = later - scheduler
    return cost


class _Kept(Executor):
    """An executor that a sweep does not shut down."""

    def __init__(self, inner: Executor) -> None:
        self.inner = inner

    def submit(self, work: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        return self.inner.submit(work, *args)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


# --- the least that a point could be ---------------------------------------------------------------------------------


class Bare:
    """TMTP of NIST-4's magnet with a coil whose power is the same through the weighing hour, and no more.

    The modes of the heat are those that the twin uses; what it adds is a current that follows the field of the warm
    magnet through a coil that is warm, too, and reverses along ramps.
    """

    def __init__(self) -> None:
        base = _base()
        campaign: Any = base.scenario.campaign.model_copy(update={"cycles": 1})
        self.period, self.on = campaign.period / 1e9, campaign.weighing_duration / 1e9
        self.weighing, self.velocity = campaign.weighing_windows(), campaign.velocity_windows()
        parts: dict[str, Any] = dict(base.scenario.components())
        magnet, coil, self.mass = (parts[name] for name in ("magnet", "coil", "thermal_mass"))
        self.alpha = magnet.alpha
        found = thermal(base.with_({"balance.magnet.temperature_coefficient": 0.0}))
        self.power = found.current_A**2 * coil.resistance  # at p = 1 and the reference temperature
        self.times = np.arange(720) * (self.period / 720)
        w = 2.0 * np.pi / self.period
        self.waves = np.stack([np.sin(w * self.times), np.cos(w * self.times)])
        edges = [np.asarray(windows) for windows in (self.velocity, self.weighing)]
        means = [  # of a sine and a cosine over the windows
            np.array([(np.cos(w * e[:, 0]) - np.cos(w * e[:, 1])).mean(), np.diff(np.sin(w * e), axis=1).mean()])
            / (w * (e[0, 1] - e[0, 0]))
            for e in edges
        ]
        self.difference = means[0] - means[1]

    def epsilon(self, p: float) -> float:
        """Relative error of the mass at a size."""
        modes = ThermalMass.modes(self.mass.scaled(p))
        rates, final = modes.rates, modes.power * self.power * p**-3 / modes.rates
        rest = self.period - self.on
        start = final * -np.expm1(-rates * self.on) * np.exp(-rates * rest) / -np.expm1(-rates * self.period)
        warm = final + (start - final) * np.exp(-rates * self.on)
        heated = self.times < self.on
        states = np.where(
            heated[:, None],
            final + (start - final) * np.exp(-np.multiply.outer(self.times, rates)),
            warm * np.exp(-np.multiply.outer(np.maximum(self.times - self.on, 0.0), rates)),
        )
        amplitudes = 2.0 / len(self.times) * (self.waves @ (states @ modes.outputs[0]))
        return float(self.alpha * (amplitudes @ self.difference))
