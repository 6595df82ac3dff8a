"""What the noise of a coil at rest tells: its floor, its resonances, and how long Bl takes.

Blocks: `induced_voltmeter`, voltage, phase="rest", regular readings without gaps; phase="zero", the meter shorted in
the same way, may be absent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from scenarios.reduction.certificates import Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from scenarios.reduction.spectrum import Resonance, Spectrum, resonances, welch
from twin.parameter import Parameters, parameter
from twin.recorder import Block, Blocks
from twin.times import NS

Array = NDArray[np.float64]


class CoilNoiseReduction(Parameters):
    """How readings of a coil at rest become a spectrum."""

    stretch: float = parameter("s", 8.0, gt=0, description="that the spectrum is averaged over; half-overlapping")
    floor_from: float = parameter("Hz", 0.25, gt=0, description="band of the noise that the mean of a voltage has")
    floor_to: float = parameter("Hz", 2.0, gt=0)
    prominence: float = Field(10.0, gt=2, description="power by which a resonance stands out of what is around it")
    velocity: float = parameter("m/s", 1e-3, gt=0, description="at which Bl would be measured")
    relative: float = Field(1e-8, gt=0, description="standard uncertainty of Bl to be reached")

    @model_validator(mode="after")
    def _a_band(self) -> CoilNoiseReduction:
        if not self.floor_from < self.floor_to:
            raise ValueError(f"expected floor_from below floor_to, not {self.floor_from:g} and {self.floor_to:g} Hz")
        return self

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """The spectrum, what is in it, and the time that its floor takes.

        The mean over T of white noise of the density S has the standard deviation ``√(S/2T)``, so that Bl v needs
        ``T = S/(2 (Bl v r)²)`` for the relative uncertainty r.

        Raises
        ------
        ReductionError
            If nothing was read at rest, or what Bl is about is not known.
        """
        block = _one(readings, "rest")
        bl = certificates.get("magnet.bl")
        if bl is None:
            raise ReductionError("the certificates have no magnet.bl; state Bl, which the time is relative to")
        values, step = block.values.ravel(), block.schedule.step / NS
        spectrum = welch(values, step, self.stretch)
        floor, u_floor = spectrum.level(self.floor_from, self.floor_to)
        slope, u_slope = spectrum.slope(self.floor_from, self.floor_to)
        voltage = bl.value * self.velocity
        seconds = floor / (2.0 * (voltage * self.relative) ** 2)
        u_relative = u_floor / floor if floor else 0.0
        u_seconds = seconds * math.hypot(u_relative, 2.0 * bl.u / bl.value)
        density = math.sqrt(floor)
        between = f"from {self.floor_from:g} to {self.floor_to:g} Hz"
        goal = f"for Bl to {self.relative:g} at {1e3 * self.velocity:g} mm/s, if the floor is white"
        peaks = resonances(values, step, block.aperture / NS, spectrum, self.prominence)
        quantities = [
            Quantity(
                "floor_V_per_rtHz", density, "V/Hz^0.5", "√S", f"noise floor {between}", 0.5 * u_relative * density
            ),
            Quantity("floor_exponent", slope, "1", "κ", f"of the power, S ∝ f^κ, {between}: white is 0", u_slope),
            Quantity("time_s", seconds, "s", "T", goal, u_seconds),
            Quantity("resolution_Hz", 1.5 / (spectrum.length * step), "Hz", "Δf", "noise bandwidth of a bin"),
            Quantity("averages", spectrum.averages, "1", "K", "independent spectra that were averaged"),
            *self._meter(readings),
            *_peaks(peaks),
        ]
        notes: tuple[str, ...] = ()
        if abs(slope) > 3.0 * u_slope:
            notes = ("The floor is not white: a mean takes longer than stated, or does not get there.",)
        return Findings(tuple(quantities), (_curve(spectrum, density, self, peaks),), notes)

    def _meter(self, readings: Blocks) -> list[Quantity]:
        """The floor of the meter alone, if it was read."""
        zeros = list(readings.select("induced_voltmeter", phase="zero"))
        if not zeros:
            return []
        spectrum = welch(zeros[0].values.ravel(), zeros[0].schedule.step / NS, self.stretch)
        power, u = spectrum.level(self.floor_from, self.floor_to)
        density, u = math.sqrt(power), 0.5 * u / math.sqrt(power) if power else 0.0
        return [Quantity("meter_V_per_rtHz", density, "V/Hz^0.5", "√S0", "the meter alone, shorted", u)]


def _one(readings: Blocks, phase: str) -> Block:
    blocks = list(readings.select("induced_voltmeter", phase=phase))
    if len(blocks) != 1 or blocks[0].schedule.repeats != 1:
        raise ReductionError(f"expected one block of 'induced_voltmeter' with phase {phase!r}, not {len(blocks)}")
    if not np.isfinite(blocks[0].values).all():
        raise ReductionError("readings at rest are not finite throughout; repeat them")
    return blocks[0]


def _peaks(peaks: list[Resonance]) -> list[Quantity]:
    if not peaks:
        return []
    table = np.array(peaks).T
    return [
        Quantity("resonances_Hz", table[0], "Hz", "f0", "resonances", table[1]),
        Quantity("resonance_quality", table[2], "1", "Q", "of the resonances", table[3]),
        Quantity("resonance_peak_V_per_rtHz", table[4], "V/Hz^0.5", "√S(f0)", "of the resonances", table[5]),
    ]


def _curve(spectrum: Spectrum, floor: float, settings: CoilNoiseReduction, peaks: list[Resonance]) -> Curve:
    f, amplitude = _thinned(spectrum)
    lines = [
        Line("coil at rest", f, amplitude * 1e6),
        Line("floor", np.array([f[0], f[-1]]), np.full(2, floor * 1e6)),
    ]
    if peaks:
        table = np.array(peaks).T
        lines.append(Line("resonances", table[0], table[4] * 1e6, table[5] * 1e6, points=True))
    caption = (
        f"Noise of the voltage of a coil at rest, averaged over stretches of {settings.stretch:g} s. "
        "Above the floor, what carries the coil resonates with the ground."
    )
    return Curve("spectrum", caption, ("frequency", "Hz"), ("√S", "µV/√Hz"), tuple(lines), logarithmic="xy")


def _thinned(spectrum: Spectrum, most: int = 600) -> tuple[Array, Array]:
    """Frequencies and amplitudes for a picture: the power averaged over bins that are next to each other in it."""
    edges = np.unique(np.geomspace(1, len(spectrum.power) + 1, most).astype(int)) - 1
    counts = np.diff(edges)
    power = np.add.reduceat(spectrum.power, edges[:-1]) / counts
    frequency = np.add.reduceat(spectrum.frequency, edges[:-1]) / counts
    return frequency, np.sqrt(power)
