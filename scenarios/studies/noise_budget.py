"""The noise of a scenario, source by source, and together, as gwinc has it for detectors.

The twin is its own projector: the campaign runs once without noise, then once with each source alone, and what the
readings differ by is the source's noise in the force (the current while weighing), in Bl (the induced voltage over the
velocity, sweep by sweep) and in the mass (cycle by cycle), relative. Allan deviations and amplitude spectral densities
of the sources are added in quadrature. Beside the sum stands the whole twin, all sources at once, with other random
numbers: they agree within their error bars if the sources are independent and none is missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.allan import mean_deviation
from scenarios.reduction.spectrum import welch
from scenarios.run.experiment import Experiment
from scenarios.run.result import Result
from scenarios.studies.systematic import noises, quiet, switched_on
from twin.errors import InputError
from twin.times import NS

Array = NDArray[np.float64]
Where = Literal["force", "bl"]
TITLES: Mapping[Where, str] = {"force": "force while weighing", "bl": "Bl of single sweeps"}
SOURCES = {
    "current_voltmeter": "voltmeter, current",
    "induced_voltmeter": "voltmeter, motion",
    "voltage_reference": "voltage reference",
    "resistor": "resistor",
    "current_source": "current source",
    "interferometer": "interferometer",
    "ground_vibration": "ground vibration",
    "environment": "air",
    "magnet_thermometer": "thermometers",
    "coil_thermometer": "thermometers",
}
"""What the noise of a part is called; another part goes by its own name."""
TIMING = "timing"
"""What jitters in time, whatever the part."""
WATCH = frozenset({"position_detector", "displacement_sensor", "fluxgate"})
"""Parts that only watch."""
STRETCHES = 4
"""Of a record, at least, for its spectrum; where it is long enough."""
LEAST = 16
"""Readings in a stretch."""
TRUSTED = 10.0
"""Degrees of freedom from which a deviation is compared."""
BEYOND = 4.0
"""Standard uncertainties by which the twin may be off the sum at any averaging time."""


@dataclass(frozen=True)
class Source:
    """A source of noise: its parameters with the scenario's values, by path."""

    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Records:
    """Relative noise as it was read: uninterrupted records, all alike, with the spacing of their values (s)."""

    values: Array
    spacing: float

    @property
    def quiet(self) -> bool:
        """Whether there is no noise but rounding."""
        return not np.any(np.abs(self.values) > 1e-15)


@dataclass(frozen=True, eq=False)
class Noise:
    """Noise of one kind of reading, of a source or of all.

    Parameters
    ----------
    tau_s, allan, low, high, edf : Allan deviation with its 68 % interval and degrees of freedom.
    frequency_Hz, asd, u_asd : amplitude spectral density (1/√Hz) and its standard uncertainty; empty where records are
        short.
    """

    tau_s: Array
    allan: Array
    low: Array
    high: Array
    edf: Array
    frequency_Hz: Array
    asd: Array
    u_asd: Array

    @classmethod
    def of(cls, records: Records) -> Noise:
        """Of what was read."""
        found = mean_deviation(list(records.values), records.spacing)
        count = records.values.shape[1]
        length = max(count // STRETCHES, min(count, LEAST))
        if length < LEAST:
            return cls(found.tau_s, found.deviation, found.low, found.high, found.edf, *3 * [np.zeros(0)])
        each = [welch(row, records.spacing, length * records.spacing, LEAST) for row in records.values]
        power = np.mean([spectrum.power for spectrum in each], axis=0)
        amplitude = np.sqrt(power)
        u = amplitude / (2.0 * math.sqrt(sum(spectrum.averages for spectrum in each)))
        deviation = found.tau_s, found.deviation, found.low, found.high, found.edf
        return cls(*deviation, each[0].frequency, amplitude, u)

    @classmethod
    def together(cls, parts: Sequence[Noise]) -> Noise:
        """Of independent sources, in quadrature; degrees of freedom after Welch and Satterthwaite."""
        allan = np.sqrt(sum(part.allan**2 for part in parts))
        fourth = sum(part.allan**4 / part.edf for part in parts)
        edf = np.divide(allan**4, fourth, out=np.full_like(allan, np.inf), where=fourth > 0)
        spread = allan * np.sqrt(0.5 / edf)
        asd = np.sqrt(sum(part.asd**2 for part in parts))
        cubes = np.sqrt(sum((part.asd * part.u_asd) ** 2 for part in parts))
        u_asd = np.divide(cubes, asd, out=np.zeros_like(asd), where=asd > 0)
        one = parts[0]
        return cls(one.tau_s, allan, allan - spread, allan + spread, edf, one.frequency_Hz, asd, u_asd)


@dataclass(frozen=True, eq=False)
class Projection:
    """The noise of one kind of reading.

    Parameters
    ----------
    sources : by name, the largest at the shortest averaging time first; those without any influence are left out.
    total : of all, in quadrature.
    twin : of the whole twin.
    """

    sources: Mapping[str, Noise]
    total: Noise
    twin: Noise

    @property
    def scores(self) -> Array:
        """Twin's variance less the sum's over the standard uncertainty of the difference, by averaging time; NaN where
        there are few degrees of freedom."""
        a, b = self.twin, self.total
        u = np.sqrt(2.0 * (a.allan**4 / a.edf + b.allan**4 / b.edf))
        few = (np.minimum(a.edf, b.edf) < TRUSTED) | (u == 0)
        scores: Array = np.where(few, np.nan, (a.allan**2 - b.allan**2) / np.where(u > 0, u, 1.0))
        return scores

    @property
    def agrees(self) -> bool:
        """Whether the twin is within `BEYOND` of the sum at every averaging time."""
        return not bool(np.any(np.abs(self.scores) > BEYOND))


@dataclass(frozen=True)
class MassNoise:
    """Standard deviation of the relative mass of a cycle, by source, of all in quadrature, and of the whole twin.

    Parameters
    ----------
    cycles : it is of; each standard deviation has so many degrees of freedom, less one.
    """

    cycles: int
    sources: Mapping[str, float]
    total: float
    twin: float

    @property
    def u_twin(self) -> float:
        """Standard uncertainty of `twin`."""
        return self.twin / math.sqrt(2.0 * (self.cycles - 1))

    @property
    def agrees(self) -> bool | None:
        """Whether twin and sum have one variance, at a level of 0.1 % (F test); None where there is no noise."""
        from scipy.special import fdtr

        if not self.total or not self.twin:
            return None
        below = float(fdtr(self.cycles - 1, self.cycles - 1, (self.twin / self.total) ** 2))
        return 5e-4 < below < 1 - 5e-4


@dataclass(frozen=True)
class NoiseBudget:
    """The noise of a scenario; `mass` is None for fewer than three cycles."""

    sources: tuple[Source, ...]
    readings: Mapping[Where, Projection]
    mass: MassNoise | None

    @property
    def agrees(self) -> bool:
        """Whether the sum describes the twin everywhere."""
        return all(each.agrees for each in self.readings.values()) and (
            self.mass is None or self.mass.agrees is not False
        )


# --- runs ------------------------------------------------------------------------------------------------------------


def sources(experiment: Experiment) -> list[Source]:
    """What makes noise in a scenario."""
    found: dict[str, dict[str, Any]] = {}
    on = switched_on(experiment)
    for key in noises(experiment):
        part, _, name = key.partition(".")
        if part not in WATCH:
            title = TIMING if "jitter" in name else SOURCES.get(part, part.replace("_", " "))
            found.setdefault(title, {})[f"balance.{key}"] = on[key][0]
    return [Source(name, settings) for name, settings in found.items()]


def campaigns(experiment: Experiment) -> tuple[list[Source], list[Experiment]]:
    """The sources of a scenario, and what is to be run: without noise, each source alone, and all with another seed.

    Raises
    ------
    InputError
        If nothing makes noise, or its campaign reports no mass.
    """
    calm = quiet(experiment)
    there = sources(experiment)
    if not there:
        raise InputError(f"{experiment.scenario.name}: nothing in it makes noise")
    every = {path: value for source in there for path, value in source.settings.items()}
    others = calm.with_({**every, "seed": experiment.scenario.seed + 1})
    return there, [calm, *(calm.with_(source.settings) for source in there), others]


@dataclass(frozen=True, eq=False)
class Run:
    """What matters of a campaign: voltages and displacements that are compared, and the masses of its cycles."""

    weighing: Array
    weighing_step: float
    voltage: Array
    velocity: Array
    sweep_step: float
    masses: Array


def run(experiment: Experiment) -> Run:
    """Run a campaign."""
    result: Result = experiment.run()
    weighing = _alike(result, "current_voltmeter", "voltage", "weighing")
    voltage = _alike(result, "induced_voltmeter", "voltage", "velocity")
    position = _alike(result, "interferometer", "position", "velocity")
    step = position[0].schedule.step / NS
    ends = np.stack([block.values for block in position])
    return Run(
        weighing=np.concatenate([block.values for block in weighing]),
        weighing_step=weighing[0].schedule.step / NS,
        voltage=np.stack([block.values.mean(axis=1) for block in voltage]),
        velocity=(ends[:, :, -1] - ends[:, :, 0]) / (step * (ends.shape[2] - 1)),
        sweep_step=voltage[0].schedule.every / NS,
        masses=np.array([cycle.mass_kg for cycle in result.mass.cycles]),
    )


def _alike(result: Result, channel: str, quantity: str, phase: str) -> list[Any]:
    """The blocks of a kind of reading that have the shape of the first one."""
    blocks = [b for b in result.readings.select(channel, phase=phase) if b.quantity == quantity]
    first = blocks[0].schedule
    wanted = first.step, first.every, first.count, first.repeats
    return [b for b in blocks if (s := b.schedule) and (s.step, s.every, s.count, s.repeats) == wanted]


def run_all(experiments: Sequence[Experiment], executor: Executor | None = None) -> Iterator[Run]:
    """The runs, one by one.

    Parameters
    ----------
    executor : runs them side by side; None for one after the other here.
    """
    yield from map(run, experiments) if executor is None else executor.map(run, experiments)


# --- from runs to the budget -----------------------------------------------------------------------------------------


def told(there: Sequence[Source], runs: Sequence[Run]) -> NoiseBudget:
    """The budget, from the runs of `campaigns`."""
    calm, *alone = runs
    records: dict[Where, list[Records]] = {
        "force": [_force(calm, each) for each in alone],
        "bl": [_bl(calm, each) for each in alone],
    }
    return NoiseBudget(
        tuple(there), {where: _projection(there, each) for where, each in records.items()}, _mass(there, calm, alone)
    )


def _force(calm: Run, noisy: Run) -> Records:
    """Noise of the force, relative to m g, which is what the voltages of mass on and off differ by."""
    means = calm.weighing.mean(axis=1)
    return Records((noisy.weighing - calm.weighing) / np.ptp(means), calm.weighing_step)


def _bl(calm: Run, noisy: Run) -> Records:
    """Relative noise of Bl by sweep: (δU − Bl δv)/(Bl v)."""
    design = np.column_stack([calm.velocity.ravel(), np.ones(calm.velocity.size)])
    bl = float(np.linalg.lstsq(design, calm.voltage.ravel(), rcond=None)[0][0])
    more = (noisy.voltage - calm.voltage) - bl * (noisy.velocity - calm.velocity)
    return Records(more / (bl * calm.velocity), calm.sweep_step)


def _projection(there: Sequence[Source], records: Sequence[Records]) -> Projection:
    found = {source.name: each for source, each in zip(there, records, strict=False) if not each.quiet}
    own = {name: Noise.of(each) for name, each in found.items()}
    twin = Noise.of(records[-1])
    if not own:
        none, flat = 0.0 * twin.allan, 0.0 * twin.asd
        nothing = Noise(twin.tau_s, none, none, none, twin.edf, twin.frequency_Hz, flat, flat)
        return Projection({}, nothing, twin)
    ordered = sorted(own.items(), key=lambda item: -float(item[1].allan[0]))
    return Projection(dict(ordered), Noise.together(list(own.values())), twin)


def _mass(there: Sequence[Source], calm: Run, alone: Sequence[Run]) -> MassNoise | None:
    if len(calm.masses) < 3 or any(len(each.masses) != len(calm.masses) for each in alone):
        return None
    sizes = [float(np.std((each.masses - calm.masses) / calm.masses.mean(), ddof=1)) for each in alone]
    own = {source.name: size for source, size in zip(there, sizes, strict=False) if size > 1e-15}
    ordered = dict(sorted(own.items(), key=lambda item: -item[1]))
    return MassNoise(len(calm.masses), ordered, math.hypot(*own.values()), sizes[-1])
