"""The reference model in mosaik 3: in-process Python simulators that exchange values once a second.

Each dynamic simulator integrates itself exactly within its step (matrix exponential) with its input held, the best
that a fixed-step co-simulation can do without derivatives of its inputs. Needs ``pip install mosaik``; run as a
script, it prints one line of JSON with its wall time and its largest error relative to full scale.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, ClassVar

import mosaik
import mosaik_api_v3
import numpy as np
from loguru import logger
from reference_model import (
    A_DRIVE,
    ALPHA,
    BL,
    CONDUCTANCE,
    F_DRIVE,
    HEAT_CAPACITY,
    I_MAX,
    OMEGA_0,
    R_COIL,
    R_STD,
    SIGMA,
    TO_AMBIENT,
    ZETA,
    run,
)
from scipy.linalg import expm

logger.remove()
logger.add(sys.stderr, level="ERROR")


def current(t: float) -> float:
    """Coil current (A)."""
    within = t % 7200.0
    if within >= 3600.0:
        return 0.0
    k, s = divmod(within, 180.0)
    level = min(s / 45.0, 1.0, (180.0 - s) / 45.0)
    return (I_MAX if k % 2 == 0 else -I_MAX) * level


def held(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Transition over 1 s, and response to an input held for 1 s."""
    n = len(a)
    whole = np.zeros((n + 1, n + 1))
    whole[:n, :n], whole[:n, n] = a, b
    whole = expm(whole)
    return whole[:n, :n], whole[:n, n]


class OneEntity(mosaik_api_v3.Simulator):
    """A simulator with one entity; subclasses set `attrs` and write `advance`."""

    attrs: tuple[str, ...] = ()

    def __init__(self) -> None:
        model = {"public": True, "params": [], "attrs": list(self.attrs)}
        super().__init__({"api_version": "3.0", "type": "time-based", "models": {"Model": model}})
        self.data: dict[str, Any] = {}

    def init(self, sid: str, time_resolution: float = 1.0) -> Any:
        self.setup()
        return self.meta

    def create(self, num: int, model: str) -> Any:
        return [{"eid": "e", "type": model}]

    def step(self, time: int, inputs: Any, max_advance: int) -> int:
        got = {a: next(iter(v.values())) for a, v in inputs.get("e", {}).items()}
        self.data = self.advance(time, got)
        return time + 1

    def get_data(self, outputs: Any) -> Any:
        return {"e": {a: self.data[a] for a in outputs["e"]}}

    def setup(self) -> None:
        """What has to be computed once."""

    def advance(self, t: int, got: dict[str, Any]) -> dict[str, Any]:
        """The outputs at the end of the step that starts at t."""
        raise TypeError("subclasses write advance()")


class Source(OneEntity):
    attrs = ("power", "driven", "current")

    def advance(self, t: int, got: dict[str, Any]) -> dict[str, Any]:
        return {"power": R_COIL * current(t) ** 2, "driven": t % 7200 >= 3600, "current": current(t + 1)}


class Thermal(OneEntity):
    attrs = ("power", "temperatures")

    def setup(self) -> None:
        k = np.zeros((5, 5))
        for i, g in enumerate(CONDUCTANCE):
            k[[i, i + 1], [i, i + 1]] += g
            k[[i, i + 1], [i + 1, i]] -= g
        k[4, 4] += TO_AMBIENT
        capacity = np.array(HEAT_CAPACITY)
        b = np.array([1 / capacity[0], 0, 0, 0, 0])
        self.a, self.b = held(-k / capacity[:, None], b)
        self.x = np.zeros(5)

    def advance(self, t: int, got: dict[str, Any]) -> dict[str, Any]:
        self.x = self.a @ self.x + self.b * got["power"]
        return {"temperatures": self.x}


class Swing(OneEntity):
    attrs = ("driven", "x", "v")

    def setup(self) -> None:
        a = np.zeros((4, 4))
        a[:2, :2] = [[0.0, 1.0], [-(OMEGA_0**2), -2 * ZETA * OMEGA_0]]
        a[1, 2], a[2, 3] = A_DRIVE, 2 * np.pi * F_DRIVE
        a[3, 2] = -a[2, 3]
        self.transition, self.y, self.was = expm(a), np.array([0.0, 0.0, 0.0, 1.0]), False

    def advance(self, t: int, got: dict[str, Any]) -> dict[str, Any]:
        if got["driven"] and not self.was:
            self.y[2:] = 0.0, 1.0
        if not got["driven"]:
            self.y[2:] = 0.0
        self.was = got["driven"]
        self.y = self.transition @ self.y
        return {"x": self.y[0], "v": self.y[1]}


class Voltmeter(OneEntity):
    attrs = ("current", "temperatures", "v", "voltage", "reading")

    def setup(self) -> None:
        self.rng = np.random.default_rng(1)

    def advance(self, t: int, got: dict[str, Any]) -> dict[str, Any]:
        voltage = R_STD * got["current"] + BL * (1 + ALPHA * got["temperatures"][4]) * got["v"]
        return {"voltage": voltage, "reading": voltage + self.rng.normal(0.0, SIGMA)}


class Log(OneEntity):
    attrs = ("temperatures", "x", "voltage", "reading")
    rows: ClassVar[list[Any]] = []

    def advance(self, t: int, got: dict[str, Any]) -> dict[str, Any]:
        self.rows.append((*got["temperatures"], got["x"], got["voltage"]))
        return {}


def main(hours: int) -> None:
    """Run, and compare with the engine's own run."""
    begin = time.perf_counter()
    kinds = (Source, Thermal, Swing, Voltmeter, Log)
    world = mosaik.World({k.__name__: {"python": f"__main__:{k.__name__}"} for k in kinds})
    source, thermal, swing, meter, log = (world.start(k.__name__).Model() for k in kinds)
    world.connect(source, thermal, "power")
    world.connect(source, swing, "driven")
    world.connect(source, meter, "current")
    world.connect(thermal, meter, "temperatures")
    world.connect(swing, meter, "v")
    world.connect(thermal, log, "temperatures")
    world.connect(swing, log, "x")
    world.connect(meter, log, "voltage", "reading")
    world.run(until=hours * 3600, print_progress=False)
    wall = time.perf_counter() - begin
    rows = np.array(Log.rows)
    ours = run(hours)
    quantities = ("t0", "t1", "t2", "t3", "t4", "x", "voltage")
    exact = np.stack([np.concatenate([b.values[0] for b in ours if b.quantity == q]) for q in quantities], axis=1)
    error = float(np.max(np.abs(rows - exact).max(axis=0) / np.abs(exact).max(axis=0)))
    print(json.dumps({"peer": "mosaik", "hours": hours, "wall_s": wall, "error": error}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
