"""From recorded blocks to arrays: the weighings, the sweeps and what was read beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from twin.recorder import Block
from twin.times import NS

Array = NDArray[np.float64]

QUANTITIES = {
    "current_voltmeter": "voltage",
    "induced_voltmeter": "voltage",
    "interferometer": "position",
    "magnet_thermometer": "temperature_rise",
}


@dataclass(frozen=True, eq=False)
class Weighings:
    """All weighings of a run in order of time, an entry each."""

    cycle: NDArray[np.int64]
    number: NDArray[np.int64]
    on: NDArray[np.bool_]
    time: Array
    voltage: Array
    position: Array


@dataclass(frozen=True, eq=False)
class Sweeps:
    """A velocity group: voltage (sweeps, n), position (sweeps, n + 1), middle of each sweep (s), aperture (s)."""

    cycle: int
    voltage: Array
    position: Array
    time: Array
    aperture: float


@dataclass(frozen=True, eq=False)
class Readings:
    """Auxiliary readings in order of time: an entry a block (`u` of its mean, `size` its readings), and all samples."""

    mean: Array
    u: Array
    size: NDArray[np.int64]
    time: Array
    cycle: NDArray[np.int64]
    phase: tuple[str, ...]
    samples: tuple[Array, Array]  # times and values of all readings

    def of(self, phase: str, cycle: int) -> NDArray[np.bool_]:
        """Which entries belong to a phase of a cycle."""
        return (self.cycle == cycle) & np.array([p == phase for p in self.phase], dtype=bool)


@dataclass(frozen=True, eq=False)
class Recording:
    """What a TMTP run recorded."""

    weighings: Weighings
    sweeps: tuple[Sweeps, ...]
    current_calibration: Readings | None
    induced_calibration: Readings | None
    thermometer: Readings | None
    environment: dict[str, Readings]


def read(blocks: Iterable[Block]) -> Recording:
    """Sort the blocks of a run.

    Raises
    ------
    ReductionError
        If a channel or a label is missing, a window is there twice, or a reading is not finite.
    """
    sorted_: dict[tuple[str, str], list[Block]] = defaultdict(list)
    environment: dict[str, list[Block]] = defaultdict(list)
    thermometer: list[Block] = []
    for block in blocks:
        if block.channel == "environment":
            environment[block.quantity].append(block)
        elif QUANTITIES.get(block.channel) != block.quantity:
            continue
        elif block.channel == "magnet_thermometer":
            thermometer.append(block)
        else:
            sorted_[block.channel, str(block.labels.get("phase", ""))].append(block)
    return Recording(
        weighings=_weighings(sorted_["current_voltmeter", "weighing"], sorted_["interferometer", "weighing"]),
        sweeps=_sweeps(sorted_["induced_voltmeter", "velocity"], sorted_["interferometer", "velocity"]),
        current_calibration=_readings(sorted_["current_voltmeter", "calibration"]),
        induced_calibration=_readings(sorted_["induced_voltmeter", "calibration"]),
        thermometer=_readings(thermometer),
        environment={quantity: r for quantity, found in environment.items() if (r := _readings(found)) is not None},
    )


def _weighings(voltages: list[Block], positions: list[Block]) -> Weighings:
    if not voltages:
        raise ReductionError("no block of channel 'current_voltmeter' with phase 'weighing': nothing was weighed")
    where: dict[tuple[int, int], Block] = {}
    for block in positions:
        where[_label(block, "cycle"), _label(block, "weighing")] = block
    rows, seen = [], set()
    for block in voltages:
        key = _label(block, "cycle"), _label(block, "weighing")
        state = block.labels.get("state")
        if state not in ("on", "off"):
            raise ReductionError(f"{_name(block)} has state {state!r}; label it 'on' or 'off'")
        if key in seen:
            raise ReductionError(f"{_name(block)} is there twice; every weighing of a cycle needs its own number")
        if key not in where:
            raise ReductionError(
                f"{_name(block)} has no block of channel 'interferometer' with the same cycle and weighing"
            )
        seen.add(key)
        rows.append((*key, state == "on", _middle(block), _mean(block), _mean(where[key])))
    rows.sort(key=lambda row: row[3])
    cycle, number, on, time, voltage, position = (np.array(column) for column in zip(*rows, strict=True))
    return Weighings(cycle, number, on, time, voltage, position)


def _sweeps(voltages: list[Block], positions: list[Block]) -> tuple[Sweeps, ...]:
    if not voltages:
        raise ReductionError("no block of channel 'induced_voltmeter' with phase 'velocity': Bl cannot be determined")
    edges = {(_label(block, "cycle"), block.schedule.start): block for block in positions}
    groups: dict[int, list[Sweeps]] = defaultdict(list)
    for block in voltages:
        schedule, cycle = block.schedule, _label(block, "cycle")
        if schedule.step != block.aperture:
            raise ReductionError(
                f"{_name(block)}: apertures of {block.aperture} ns every {schedule.step} ns are not contiguous; "
                "the flux between the edges needs voltages without gaps"
            )
        edge = edges.get((cycle, schedule.start))
        if edge is None:
            raise ReductionError(
                f"{_name(block)} has no block of channel 'interferometer' with the same cycle and start"
            )
        if (
            edge.schedule.step != schedule.step
            or edge.aperture != 0
            or (schedule.repeats > 1 and edge.schedule.every != schedule.every)
        ):
            raise ReductionError(f"{_name(edge)} is not read at the edges of the apertures of 'induced_voltmeter'")
        middle = schedule.start + schedule.every * np.arange(schedule.repeats) + 0.5 * schedule.step * schedule.count
        groups[cycle].append(
            Sweeps(cycle, np.asarray(block.values), np.asarray(edge.values), middle / NS, block.aperture / NS)
        )
    joined = [_joined(cycle, parts) for cycle, parts in groups.items()]
    return tuple(sorted(joined, key=lambda group: float(group.time[0])))


def _joined(cycle: int, parts: list[Sweeps]) -> Sweeps:
    """One group from the blocks of a cycle."""
    if len(parts) == 1:
        return parts[0]
    parts = sorted(parts, key=lambda part: float(part.time[0]))
    if len({(part.voltage.shape[1], part.position.shape[1], part.aperture) for part in parts}) > 1:
        raise ReductionError(
            f"the velocity blocks of cycle {cycle} differ in aperture or readings a sweep; they make no group"
        )
    return Sweeps(
        cycle,
        np.concatenate([part.voltage for part in parts]),
        np.concatenate([part.position for part in parts]),
        np.concatenate([part.time for part in parts]),
        parts[0].aperture,
    )


def _readings(blocks: list[Block]) -> Readings | None:
    if not blocks:
        return None
    blocks = sorted(blocks, key=_middle)
    means = np.array([_mean(block) for block in blocks])
    scatter = [float(np.std(b.values, ddof=1)) / np.sqrt(b.values.size) if b.values.size > 1 else 0.0 for b in blocks]
    times = np.concatenate([block.times().ravel() for block in blocks])
    values = np.concatenate([np.ravel(block.values) for block in blocks])
    order = np.argsort(times, kind="stable")
    return Readings(
        mean=means,
        u=np.array(scatter),
        size=np.array([block.values.size for block in blocks]),
        time=np.array([_middle(block) for block in blocks]),
        cycle=np.array([_label(block, "cycle") for block in blocks]),
        phase=tuple(str(block.labels.get("phase", "")) for block in blocks),
        samples=(times[order], values[order]),
    )


def _label(block: Block, key: str) -> int:
    value = block.labels.get(key)
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ReductionError(f"{_name(block)} has {key} {value!r}; it needs an integer label {key!r}")
    return int(value)


def _mean(block: Block) -> float:
    mean = float(np.mean(block.values))
    if not np.isfinite(mean):
        raise ReductionError(f"{_name(block)} holds readings that are not finite; exclude it or repeat it")
    return mean


def _middle(block: Block) -> float:
    """Mean time of all readings of a block (s), without building them all."""
    s = block.schedule
    return (s.start + 0.5 * s.every * (s.repeats - 1) + 0.5 * s.step * (s.count - 1) + 0.5 * block.aperture) / NS


def _name(block: Block) -> str:
    labels = ", ".join(f"{key} {value}" for key, value in block.labels.items())
    return f"block {block.channel!r} ({labels})"
