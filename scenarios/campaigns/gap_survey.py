"""Gap survey: what an interfering magnet near the yoke couples into the gap, by six fluxgates in it (Ma2025).

For each mounting of the magnet the sensors are zeroed while it is away; then it is brought to one height after the
other, the sensors are read at each, and it is taken away and they are read once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from components.external_flux import ExternalFlux
from components.interfering_magnet import InterferingMagnet, Mounted
from components.roles import SourceStage
from components.sensor_ring import SensorRing
from scenarios.campaigns.phases import contiguous
from scenarios.campaigns.sensor_bench import SensorBench
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.recorder import Label
from twin.signal import Constant
from twin.steps import Step
from twin.times import to_ns

HEIGHTS = 20_001
"""At which the largest mean is looked for."""


@dataclass(frozen=True, kw_only=True)
class GapSurveyBench(SensorBench):
    """The instruments."""

    campaign: ClassVar[str] = "a gap survey"

    interfering_magnet: SourceStage


class Scan(Parameters):
    """The heights of the magnet in one of its mountings, one after the other."""

    mounting: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    heights: list[float] = parameter("m", min_length=5, description="from the symmetry plane; different ones")

    @model_validator(mode="after")
    def _different(self) -> Scan:
        if len(set(self.heights)) < len(self.heights):
            raise ValueError("expected heights that differ")
        return self


class GapSurvey(Parameters):
    """The campaign."""

    scans: list[Scan] = Field(min_length=1)
    read_time: float = parameter("s", 20.0, gt=0, description="at each height")
    zero_time: float = parameter("s", 60.0, gt=0, description="without the magnet, before and after")
    move_time: float = parameter("s", 10.0, gt=0, description="from height to height, to come and to go; not read")
    reading_step: float = parameter("s", 0.2, ge=1e-3, description="aperture of a reading; they are contiguous")

    @model_validator(mode="after")
    def _fits(self) -> GapSurvey:
        if min(self.read_time, self.zero_time) < 4 * self.reading_step:
            raise ValueError("expected four readings within read_time and zero_time")
        names = [scan.mounting for scan in self.scans]
        if len(set(names)) < len(names):
            raise ValueError("expected one scan of each mounting")
        return self

    def _length(self, scan: Scan) -> int:
        heights = len(scan.heights)
        return 2 * to_ns(self.zero_time) + (heights + 1) * to_ns(self.move_time) + heights * to_ns(self.read_time)

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        return sum(self._length(scan) for scan in self.scans)

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """What couplings and the true surface field make of each scan: mean around, fields at the sensors, and γ."""
        magnet, flux, ring = (parts.get(name) for name in ("interfering_magnet", "external_flux", "sensor_ring"))
        if not isinstance(magnet, InterferingMagnet) or not isinstance(flux, ExternalFlux):
            return {}
        weaker = flux.native_permeability / flux.permeability
        told: dict[str, Any] = {"beta_certified": weaker}
        for scan in self.scans:
            heights, source = np.sort(scan.heights), magnet.source(scan.mounting)
            mean = flux.mean_let_in(source, heights)
            gammas = {"gamma_mean": float(np.abs(mean).max() / magnet.surface_field)}
            about: dict[str, Any] = {"mean_T": mean}
            if np.allclose(heights, -heights[::-1], atol=1e-9):
                about |= {
                    "even_T": _rms(0.5 * (mean + mean[::-1])),
                    "odd_T": _rms(0.5 * (mean - mean[::-1])),
                    "mean_at_0_T": mean[len(mean) // 2],
                }
            if isinstance(ring, SensorRing):
                fields = _at_sensors(magnet, flux, ring, scan.mounting, heights)
                nearest = np.abs(fields).max(axis=1).argmax()
                around = fields[nearest]
                gammas["gamma_max"] = float(np.abs(fields).max() / magnet.surface_field)
                about |= {
                    "uniformity_T": float(np.std(around)),
                    "half_wave_T": _rms(around[:3] + around[3:]),
                    "mean_where_largest_T": mean[nearest],
                    **{f"field_{k + 1}_T": fields[:, k] for k in range(6)},
                }
            about |= gammas | {f"{key}_working": gamma / weaker for key, gamma in gammas.items()}
            told |= {f"{scan.mounting}_{key}": value for key, value in about.items()}
        return told

    def true_results(self, parts: Mapping[str, Any], found: Mapping[str, Any], settings: Any) -> dict[str, Any]:
        """The surface field that makes the error that limits are stated for, and the peak on the side found."""
        told = self.true_values(parts)
        if not told:
            return {}
        gammas = {scan.mounting: told.get(f"{scan.mounting}_gamma_max_working", 0.0) for scan in self.scans}
        made = settings.gap_field * settings.target
        limits = {f"{mounting}_limit_T": made / gamma for mounting, gamma in gammas.items() if gamma}
        return limits | self._peaks(parts, found)

    def _peaks(self, parts: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, float]:
        """Where the mean is largest near where that was found: it may be so on both sides of the plane."""
        told = {}
        for scan in self.scans:
            key, low, high = f"{scan.mounting}_peak_height_m", min(scan.heights), max(scan.heights)
            if key in found:
                about = np.clip(found[key] + 0.2 * (high - low) * np.linspace(-1.0, 1.0, HEIGHTS), low, high)
                mean = parts["external_flux"].mean_let_in(parts["interfering_magnet"].source(scan.mounting), about)
                told[key] = float(about[np.abs(mean).argmax()])
        return told

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps, one for each scan.

        Raises
        ------
        WiringError
            If an instrument is missing.
        """
        run = _Run(self, GapSurveyBench.of(components), clock)
        return [
            Step(f"scan {scan.mounting}", self._length(scan), partial(run.scan, k, scan), "survey", k)
            for k, scan in enumerate(self.scans)
        ]


def _rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _at_sensors(
    magnet: InterferingMagnet, flux: ExternalFlux, ring: SensorRing, mounting: str, heights: Any
) -> NDArray[np.float64]:
    """What the sensors of a ring in the symmetry plane see of a magnet at some heights (m), shape (heights, 6)."""
    how, still = magnet.mountings[mounting], Constant(0.0)
    seen = []
    for height in heights.tolist():
        z, there = Constant(height), Constant(1.0)
        brought = Mounted(magnet.source(mounting), how.shielding_around, z, there, z, there)
        ports: dict[str, Any] = {"energised": still, "stage": still, "magnet_position": still}
        without = flux.signals(**ports)["gap_density"]
        with_it = flux.signals(**{**ports, "interfering": (brought,)})["gap_density"]
        angles = ring.azimuth + 2.0 * np.pi * np.arange(6) / 6
        place = Constant(ring.height_error)
        seen.append(
            [
                float(
                    with_it.at(ring.radius, a, place, "radial")(0.0) - without.at(ring.radius, a, place, "radial")(0.0)
                )
                for a in angles
            ]
        )
    return np.array(seen)


class _Run:
    """The operations on a bench."""

    def __init__(self, campaign: GapSurvey, bench: GapSurveyBench, clock: Clock) -> None:
        self.campaign, self.bench, self.clock = campaign, bench, clock

    def scan(self, cycle: int, scan: Scan) -> Process:
        """Zero the sensors, go through all heights, and read the sensors once more without the magnet."""
        c, stage = self.campaign, self.bench.interfering_magnet
        labels: dict[str, Label] = {"cycle": cycle, "mounting": scan.mounting}
        yield from self._read(c.zero_time, {**labels, "phase": "zero"})
        for z in scan.heights:
            yield from stage.place(scan.mounting, z, c.move_time)
            yield from self._read(c.read_time, {**labels, "phase": "survey", "height_m": z})
        yield from stage.remove(scan.mounting, c.move_time)
        yield from self._read(c.zero_time, {**labels, "phase": "removed"})

    def _read(self, duration: float, labels: Mapping[str, Label]) -> Process:
        end = self.clock.now + to_ns(duration)
        schedule = contiguous(self.clock.now, end, self.campaign.reading_step)
        yield self.clock.together(self.bench.read(schedule, labels))
        yield self.clock.until(end)
