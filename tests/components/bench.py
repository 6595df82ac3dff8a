"""A part on the test bench: its inputs given as signals, numbers or fields, its outputs and readings to look at."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from twin.component import Component, Port
from twin.piece import Piece
from twin.recorder import Schedule
from twin.signal import Constant, Signal
from twin.timeline import Timeline
from twin.times import NS
from twin.twin import Twin

Array = NDArray[np.float64]
SECOND = NS


def given(value: Any, port: Port) -> Component:
    """A source whose output ``y`` is this signal, number or field."""

    class Given(Component):
        outputs: ClassVar[dict[str, Port]] = {"y": Port(port.unit, kind=port.kind)}
        value: Any

        def signals(self, **inputs: Signal) -> dict[str, Any]:
            return {"y": self.value}

    return Given(value=Constant(value) if isinstance(value, int | float) else value)


def bench(part: Component, name: str = "part", seed: int = 0, **inputs: Any) -> Twin:
    """A twin of the part alone, called `name`, with these inputs."""
    sources = {f"given_{port}": given(value, part.inputs[port]) for port, value in inputs.items()}
    wiring = {f"{name}.{port}": f"given_{port}.y" for port in inputs}
    return Twin(*closed({name: part, **sources}, wiring), seed=seed)


def closed(parts: dict[str, Component], wiring: dict[str, str]) -> tuple[dict[str, Component], dict[str, str]]:
    """The parts and the wiring with zero at every signal input that is left open."""
    zeros, wires = dict(parts), dict(wiring)
    for name, part in parts.items():
        for port, declared in part.inputs.items():
            if f"{name}.{port}" not in wiring and declared.default is None and declared.kind == "signal":
                zeros[f"zero_{name}_{port}"] = given(0.0, declared)
                wires[f"{name}.{port}"] = f"zero_{name}_{port}.y"
    return zeros, wires


def path(*laws: Piece, initial: float = 0.0) -> Timeline:
    """A signal that follows these laws."""
    line = Timeline("path", initial)
    line.follow(*laws)
    return line


def readings(step: float, count: int, start: float = 0.0) -> Schedule:
    """Contiguous readings; times in s."""
    return Schedule(round(start * NS), round(step * NS), count)


def allan_deviation(values: Array, averaged: int) -> float:
    """Of contiguous readings, `averaged` of them at a time."""
    usable = values[: values.size // averaged * averaged].reshape(-1, averaged).mean(axis=1)
    return float(np.sqrt(0.5 * np.mean(np.diff(usable) ** 2)))
