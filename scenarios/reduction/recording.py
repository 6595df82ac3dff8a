"""From recorded blocks to arrays: the weighings, the sweeps and what was read beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.block import duration_of, label_of, middle_of, name_of
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.faulty import Faulty, faulty, noise_of_mean, repeats_betray
from scenarios.reduction.repeated_motion import RepeatedMotion, repeated_motion
from scenarios.reduction.result import Excluded, What
from twin.recorder import Block
from twin.times import NS

Array = NDArray[np.float64]

QUANTITIES = {
    "current_voltmeter": "voltage",
    "induced_voltmeter": "voltage",
    "interferometer": "position",
    "magnet_thermometer": "temperature_rise",
    "coil_thermometer": "temperature_rise",
}
LIMITS = {
    "temperature": (253.15, 333.15),
    "pressure": (2e4, 1.2e5),
    "humidity": (1e-6, 1.0),
    "temperature_rise": (-200, 500),
}
"""What a sensor in a laboratory can show (K, Pa, 1, K); beyond, it is broken."""


@dataclass(frozen=True, eq=False)
class Weighings:
    """All weighings of a run in order of time, an entry each.

    Parameters
    ----------
    cycle, number, on, time : label of the cycle, number within it, whether the mass is on, middle (s).
    duration : of the readings (s).
    voltage, position : means of the good readings (V, m); NaN if there is none.
    share : of good readings, the smaller one of voltage and position.
    scatter : standard deviation of the good voltages (V).
    noise : standard uncertainty of `voltage` from the differences of successive readings (V); 0 if the readings show a
        smooth course only.
    winding : that carried the current, 1 or 2.
    """

    cycle: NDArray[np.int64]
    number: NDArray[np.int64]
    on: NDArray[np.bool_]
    time: Array
    duration: Array
    voltage: Array
    position: Array
    share: Array
    scatter: Array
    noise: Array
    winding: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if len(self.winding) != len(self.time):
            object.__setattr__(self, "winding", np.ones(len(self.time), dtype=np.int64))

    def kept(self, keep: NDArray[np.bool_]) -> Weighings:
        """Those that `keep` says."""
        return Weighings(**{name: values[keep] for name, values in vars(self).items()})

    @classmethod
    def together(cls, parts: Sequence[Weighings]) -> Weighings:
        """Those of several parts, in order of time."""
        order = np.argsort(np.concatenate([part.time for part in parts]), kind="stable")
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts])[order] for f in fields(cls)})


@dataclass(frozen=True, eq=False)
class Sweeps:
    """A velocity group: voltage (sweeps, n), position (sweeps, n + 1), middle of each sweep (s), aperture (s).

    In memory the first readings of all sweeps come before the second ones (Fortran's order): sweeps are many and short.
    `winding` is the one whose voltage was read. Where the other one carried a current meanwhile, `state` says which,
    that with the mass "on" or "off", and `block` which of the groups of its cycle belong together.
    `lags` is what flux that leaves the yoke makes of the voltage, for 1 H (V/H): `scenarios.reduction.yoke_lag`.
    """

    cycle: int
    voltage: Array
    position: Array
    time: Array
    aperture: float
    winding: int = 1
    state: str = ""
    block: int = 0
    lags: tuple[Array, ...] = ()

    @cached_property
    def motion(self) -> RepeatedMotion:
        """What the sweeps have in common, as they were read."""
        return repeated_motion(self.position, self.time, self.aperture)

    @cached_property
    def located(self) -> NDArray[np.bool_]:
        """Which sweeps have positions that are all numbers."""
        return np.isfinite(self.position.sum(axis=1))

    def kept(self, which: NDArray[np.bool_] | slice) -> Sweeps:
        """The sweeps that `which` says."""
        return replace(
            self,
            voltage=self.voltage[which],
            position=self.position[which],
            time=self.time[which],
            lags=tuple(lag[which] for lag in self.lags),
        )

    def first(self, number: int) -> Sweeps:
        """The first sweeps, all if there are no more."""
        return self if len(self.time) <= number else self.kept(slice(number))


@dataclass(frozen=True, eq=False)
class Readings:
    """Auxiliary readings in order of time: an entry a block (`u` of its mean, `size` its readings), and all samples.

    Readings that are faulty are left out, and so are blocks that have no other.
    """

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

    def kept(self, keep: NDArray[np.bool_]) -> Readings:
        """The blocks that `keep` says."""
        samples = np.repeat(keep, self.size)
        return Readings(
            self.mean[keep],
            self.u[keep],
            self.size[keep],
            self.time[keep],
            self.cycle[keep],
            tuple(p for p, k in zip(self.phase, keep, strict=True) if k),
            (self.samples[0][samples], self.samples[1][samples]),
        )


@dataclass(frozen=True, eq=False)
class Recording:
    """What a TMTP run recorded.

    `held` and `moved` are all weighings and sweeps, also those that `weighings` and `sweeps` lack; `excluded` are
    readings that no value was made of.
    """

    weighings: Weighings
    held: Weighings
    sweeps: tuple[Sweeps, ...]
    moved: tuple[Sweeps, ...]
    current_calibration: Readings | None
    induced_calibration: Readings | None
    thermometer: Readings | None
    environment: dict[str, Readings]
    current_zero: Readings | None = None
    induced_zero: Readings | None = None
    coil_thermometer: Readings | None = None
    excluded: tuple[Excluded, ...] = ()


def read(blocks: Iterable[Block]) -> Recording:
    """Sort the blocks of a run.

    Readings that are no numbers, stuck or zero where they cannot be are left out of means, and reported; sweeps are
    kept whole for `scenarios.reduction.screening`.

    Raises
    ------
    ReductionError
        If a channel or a label is missing, or a window is there twice.
    """
    sorted_: dict[tuple[str, str], list[Block]] = defaultdict(list)
    environment: dict[str, list[Block]] = defaultdict(list)
    for block in blocks:
        if block.channel == "environment":
            environment[block.quantity].append(block)
        elif QUANTITIES.get(block.channel) == block.quantity:
            slow = block.channel.endswith("thermometer")
            sorted_[block.channel, "" if slow else str(block.labels.get("phase", ""))].append(block)
    log = _Log()
    weighings = _weighings(sorted_["current_voltmeter", "weighing"], sorted_["interferometer", "weighing"], log)
    sweeps = _sweeps(sorted_["induced_voltmeter", "velocity"], sorted_["interferometer", "velocity"])
    return Recording(
        weighings=weighings,
        held=weighings,
        sweeps=sweeps,
        moved=sweeps,
        current_calibration=_readings(sorted_["current_voltmeter", "calibration"], log),
        induced_calibration=_readings(sorted_["induced_voltmeter", "calibration"], log),
        thermometer=_readings(sorted_["magnet_thermometer", ""], log),
        environment={
            quantity: r for quantity, found in environment.items() if (r := _readings(found, log)) is not None
        },
        current_zero=_readings(sorted_["current_voltmeter", "zero"], log),
        induced_zero=_readings(sorted_["induced_voltmeter", "zero"], log),
        coil_thermometer=_readings(sorted_["coil_thermometer", ""], log),
        excluded=log.excluded(),
    )


class _Log:
    """Readings that were left out, by cycle, channel and what was wrong."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, What, str, str], list[int]] = defaultdict(lambda: [0, 0])

    def note(self, block: Block, found: Faulty) -> None:
        """Count what a block lost."""
        what: What = "environment" if block.channel == "environment" else "reading"
        name = f"{block.channel} {block.quantity}" if what == "environment" else block.channel
        for wrong, number in found.counts.items():
            count = self._counts[label_of(block, "cycle"), what, name, wrong]
            count[0] += number
            count[1] += block.values.size

    def excluded(self) -> tuple[Excluded, ...]:
        """An entry for each cycle, channel and fault."""
        return tuple(
            Excluded(cycle, what, None, f"{name}: {bad} of {all_} readings in these blocks {wrong}")
            for (cycle, what, name, wrong), (bad, all_) in sorted(self._counts.items())
        )


def _weighings(voltages: list[Block], positions: list[Block], log: _Log) -> Weighings:
    if not voltages:
        raise ReductionError("no block of channel 'current_voltmeter' with phase 'weighing': nothing was weighed")
    where: dict[tuple[int, int], Block] = {}
    for block in positions:
        where[label_of(block, "cycle"), label_of(block, "weighing")] = block
    rows, seen = [], set()
    betrayed = repeats_betray([block.values.ravel() for block in voltages])
    for block in voltages:
        key = label_of(block, "cycle"), label_of(block, "weighing")
        state = block.labels.get("state")
        if state not in ("on", "off"):
            raise ReductionError(f"{name_of(block)} has state {state!r}; label it 'on' or 'off'")
        if key in seen:
            raise ReductionError(f"{name_of(block)} is there twice; every weighing of a cycle needs its own number")
        if key not in where:
            raise ReductionError(
                f"{name_of(block)} has no block of channel 'interferometer' with the same cycle and weighing"
            )
        seen.add(key)
        voltage, share = _good(block, log, betrayed)
        position, share_position = _good(where[key], log, False)
        rows.append(
            (
                *key,
                state == "on",
                middle_of(block),
                duration_of(block),
                float(np.mean(voltage)) if voltage.size else np.nan,
                float(np.mean(position)) if position.size else np.nan,
                min(share, share_position),
                float(np.std(voltage, ddof=1)) if voltage.size > 1 else 0.0,
                noise_of_mean(voltage.ravel()),
                label_of(block, "winding") if "winding" in block.labels else 1,
            )
        )
    rows.sort(key=lambda row: row[3])
    return Weighings(*(np.array(column) for column in zip(*rows, strict=True)))


def _good(block: Block, log: _Log, betrayed: bool) -> tuple[Array, float]:
    """The good readings of a block of a weighing, and which share of all they are."""
    found = faulty(block.values.ravel(), stuck=betrayed)
    if found is None:
        return np.asarray(block.values), 1.0
    log.note(block, found)
    good: Array = block.values.ravel()[found.good]
    return good, good.size / block.values.size


def _sweeps(voltages: list[Block], positions: list[Block]) -> tuple[Sweeps, ...]:
    if not voltages:
        raise ReductionError("no block of channel 'induced_voltmeter' with phase 'velocity': Bl cannot be determined")
    edges = {(label_of(block, "cycle"), block.schedule.start): block for block in positions}
    groups: dict[tuple[int, int, str], list[Sweeps]] = defaultdict(list)
    for block in voltages:
        schedule, cycle = block.schedule, label_of(block, "cycle")
        if schedule.step != block.aperture:
            raise ReductionError(
                f"{name_of(block)}: apertures of {block.aperture} ns every {schedule.step} ns are not contiguous; "
                "the flux between the edges needs voltages without gaps"
            )
        edge = edges.get((cycle, schedule.start))
        if edge is None:
            raise ReductionError(
                f"{name_of(block)} has no block of channel 'interferometer' with the same cycle and start"
            )
        if (
            edge.schedule.step != schedule.step
            or edge.aperture != 0
            or (schedule.repeats > 1 and edge.schedule.every != schedule.every)
        ):
            raise ReductionError(f"{name_of(edge)} is not read at the edges of the apertures of 'induced_voltmeter'")
        middle = schedule.start + schedule.every * np.arange(schedule.repeats) + 0.5 * schedule.step * schedule.count
        roles = (
            label_of(block, "winding") if "winding" in block.labels else 1,
            str(block.labels.get("state", "")),
            label_of(block, "block") if "block" in block.labels else 0,
        )
        voltage, position = np.asfortranarray(block.values), np.asfortranarray(edge.values)
        group = Sweeps(cycle, voltage, position, middle / NS, block.aperture / NS, *roles)
        groups[cycle, roles[2], roles[1]].append(group)
    joined = [_joined(cycle, parts) for (cycle, _, _), parts in groups.items()]
    return tuple(sorted(joined, key=lambda group: float(group.time[0])))


def _joined(cycle: int, parts: list[Sweeps]) -> Sweeps:
    """One group from the blocks of a cycle."""
    if len(parts) == 1:
        return parts[0]
    parts = sorted(parts, key=lambda part: float(part.time[0]))
    if len({(part.voltage.shape[1], part.position.shape[1], part.aperture) for part in parts}) > 1:
        raise ReductionError(
            f"the velocity blocks of cycle {cycle + 1} differ in aperture or readings a sweep; they make no group"
        )
    return replace(
        parts[0],
        voltage=np.concatenate([part.voltage for part in parts]),
        position=np.concatenate([part.position for part in parts]),
        time=np.concatenate([part.time for part in parts]),
    )


def _readings(blocks: list[Block], log: _Log) -> Readings | None:
    """Those of a channel; None if there is no good one."""
    if not blocks:
        return None
    middles = np.array([middle_of(block) for block in blocks])
    order = np.argsort(middles, kind="stable")
    blocks, middles = [blocks[i] for i in order], middles[order]
    sizes = np.array([block.values.size for block in blocks])
    times, values = _times(blocks, sizes), np.concatenate([block.values.ravel() for block in blocks])
    limits, zero = LIMITS.get(blocks[0].quantity), blocks[0].labels.get("phase") == "zero"
    found = faulty(values, limits=limits, zeros=not zero)
    if found is not None:
        block_of = np.repeat(np.arange(len(blocks)), sizes)[found.good]
        times, values = times[found.good], values[found.good]
        for i, own in enumerate(found.split(np.cumsum(sizes)[:-1])):
            if own is not None:
                log.note(blocks[i], own)
                middles[i] = times[block_of == i].mean() if own.good.any() else middles[i]
        sizes = np.bincount(block_of, minlength=len(blocks))
    there = np.flatnonzero(sizes)
    if not there.size:
        return None
    sizes, ends = sizes[there], np.cumsum(sizes[there])
    mean, u = np.empty(len(there)), np.zeros(len(there))
    for size in np.unique(sizes).tolist():
        alike = np.flatnonzero(sizes == size)
        rows = values[ends[alike, None] - size + np.arange(size)]
        mean[alike] = rows.mean(axis=1)
        if size > 1:
            u[alike] = rows.std(axis=1, ddof=1) / np.sqrt(size)
    order = np.argsort(times, kind="stable")
    return Readings(
        mean=mean,
        u=u,
        size=sizes,
        time=middles[there],
        cycle=np.array([label_of(blocks[i], "cycle") for i in there]),
        phase=tuple(str(blocks[i].labels.get("phase", "")) for i in there),
        samples=(times[order], values[order]),
    )


def _times(blocks: list[Block], sizes: NDArray[np.int64]) -> Array:
    """Middle of each reading of all blocks (s), see `Block.times`."""
    plans = [(b.schedule.start, b.schedule.every, b.schedule.step, b.schedule.count, b.aperture) for b in blocks]
    start, every, step, count, aperture = np.repeat(np.array(plans), sizes, axis=0).T
    burst, place = np.divmod(np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes), count)
    times: Array = (start + every * burst + step * place + 0.5 * aperture) / NS
    return times
