"""The interferometer that measures the coil's position."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from components.measuring import MeasuringInstrument
from components.refractive_index import HELIUM_NEON
from twin.angles import sine_cosine
from twin.clock import Process
from twin.component import Port
from twin.composition import Product
from twin.fault import READING_FAULTS, FaultKind
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.shifted import Rate
from twin.signal import Constant, Elapsed, Signal
from twin.times import NS, to_ns

Array = NDArray[np.float64]


class Interferometer(MeasuringInstrument):
    """Counts fringes, and shows them as a length: at an instant, or averaged over the step of a schedule.

    With s(t) = 1 + laser_drift t + mode_hop(t), the refractive index n(t) and n₀ = n(0) it shows

        (1 + gain) [s n (L + dead_path) − n₀ dead_path + A sin(4π p/λ + φ₀)] + offset + noise,

    rounded to its resolution, where p is the sum of the first two terms and

        L = (z + vibration + deviation) cos φ + x sin φ_x + y sin φ_y + abbe_offset_x θ_y − abbe_offset_y θ_x.

    Without drift and hop the bracket is n L + (n − n₀) dead_path and the periodic error.

    Notes
    -----
    - Fringes are those of the vacuum wavelength. **The instrument does not compensate for air**: it shows n L, and
      whoever reduces its readings divides by the index that follows from the station's.
    - `gain` is the relative error of the wavelength that it turns fringes into length with; state the laser's
      uncertainty as ``uncertainties: {gain: 2e-8}``. A positive gain makes every velocity too large.
    - The beam points along (sin φ_x, sin φ_y, cos φ), with cos²φ = 1 − sin²φ_x − sin²φ_y, so that it sees the
      coil's displacement (x, y, z) projected on it; φ_x > 0 leans the upper end of the beam towards +x.
    - z is of the coil's centre, from the reference mirror: where a stage moves the magnet, this mirror stands on it
      (`reference`). A reflector at r from it moves by θ × r as the coil turns, along the vertical by
      θ_x r_y − θ_y r_x. The Abbe offset is the way from the reflector to the coil's centre, −r. φ θ r is neglected.
    - The dead path is by how much the measuring arm is longer than the reference arm at L = 0. A drift of the laser or
      a mode hop shifts the reading in proportion to the whole imbalance: a hop by h moves it by h n (L + dead_path)
      and changes the scale of what follows by 1 + h; the count itself goes on. Velocities notice that as 1 + h, and
      only the reading interval in which it happens sees the step.
    - In an average over an aperture, s n and L are averaged apart; that neglects their covariance, T²/12 ds n/dt dL/dt
      (10⁻¹⁴ m for 10⁻¹⁰ /s, 1 mm/s, 1 s). The periodic error is averaged as at constant velocity between the ends of
      the aperture, where it fades away over many fringes.
    - What follows a real one in its place follows ``shown/(s n cos φ)`` from the reference mirror.
    - A burst is triggered in time: its reading k starts at ``trigger + trigger_latency + k step (1 + time_base_error)``
      and averages over ``step (1 + time_base_error)``, to whole nanoseconds; the block tells the nominal times.
    """

    reading: ClassVar[str] = "m"
    faults: ClassVar[Mapping[str, FaultKind]] = {
        **READING_FAULTS,
        "mode_hop": FaultKind("1", "the laser hops: fringes per length change by this relative amount"),
    }
    inputs: ClassVar[Mapping[str, Port]] = {
        "position": Port("m"),
        "reference": Port("m", 0.0),
        "vibration": Port("m", 0.0),
        "deviation": Port("m", 0.0),
        "x": Port("m", 0.0),
        "y": Port("m", 0.0),
        "theta_x": Port("rad", 0.0),
        "theta_y": Port("rad", 0.0),
        "refractive_index": Port("1", 1.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"position": Port("m")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {
        "position": frozenset({"position", "reference", "refractive_index"})
    }

    wavelength: float = parameter(
        "m", HELIUM_NEON, gt=0, description="in vacuum; sets the period λ/2 of the periodic error"
    )
    bandwidth: float = parameter("Hz", 1000.0, gt=0, description="of instantaneous readings")
    nonlinearity: float = parameter("m", 0.0, neutral=0.0, ge=0, description="amplitude A of the periodic error")
    nonlinearity_phase: float = parameter("rad", 0.0, description="φ₀ of the periodic error")
    laser_drift: float = parameter("1/s", 0.0, neutral=0.0, description="of fringes per length, relative")
    dead_path: float = parameter("m", 0.0, neutral=0.0, description="measuring arm minus reference arm at L = 0")
    verticality_x: float = parameter("rad", 0.0, neutral=0.0, gt=-0.5, lt=0.5, description="tilt of the beam towards x")
    verticality_y: float = parameter("rad", 0.0, neutral=0.0, gt=-0.5, lt=0.5, description="tilt of the beam towards y")
    abbe_offset_x: float = parameter("m", 0.0, neutral=0.0, description="from the reflector to the coil's centre")
    abbe_offset_y: float = parameter("m", 0.0, neutral=0.0, description="from the reflector to the coil's centre")
    time_base_error: float = parameter(
        "1", 0.0, neutral=0.0, gt=-0.1, lt=0.1, description="relative; a slow clock stretches step and aperture: > 0"
    )
    trigger_latency: float = parameter("s", 0.0, neutral=0.0, ge=0, lt=1, description="from trigger to first reading")

    _path: Signal | None = PrivateAttr(default=None)
    _ideal: Signal | None = PrivateAttr(default=None)
    _index: Signal | None = PrivateAttr(default=None)

    def neutral_inputs(self) -> frozenset[str]:
        weights = {
            "x": self.verticality_x,
            "y": self.verticality_y,
            "theta_x": self.abbe_offset_y,
            "theta_y": self.abbe_offset_x,
        }
        return frozenset(port for port, weight in weights.items() if weight == 0.0)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        lean_x, lean_y = math.sin(self.verticality_x), math.sin(self.verticality_y)
        upright, reference = math.sqrt(1.0 - lean_x**2 - lean_y**2), inputs["reference"]
        along = inputs["position"] - reference + inputs["vibration"] + inputs["deviation"]
        length = (
            upright * along
            + lean_x * inputs["x"]
            + lean_y * inputs["y"]
            + self.abbe_offset_x * inputs["theta_y"]
            - self.abbe_offset_y * inputs["theta_x"]
        )
        self._index = inputs["refractive_index"]
        scale = (1.0 + self.laser_drift * Elapsed() + self.fault("mode_hop")) * self._index
        arms = length + self.dead_path
        self._path = _optical_path(scale, arms)
        self._ideal = _optical_path(scale, upright * (inputs["position"] - reference))
        position = self.measured("position", inputs["position"], lambda shown: shown / (upright * scale) + reference)
        return {"position": position}

    def read(self, schedule: Schedule, labels: Mapping[str, Label], *, instantaneous: bool = False) -> Process:
        """Read the position, averaged over each step or at the start of each step. Returns the block."""
        aperture = 0 if instantaneous else schedule.step
        true_aperture = round(aperture * (1.0 + self.time_base_error))
        shift = self._shift(schedule)
        latest = 0 if shift is None else max(0, int(shift[-1]) + true_aperture - aperture)
        yield self.clock.until(schedule.end - schedule.step + aperture + latest)
        assert self._path is not None
        shown = self.shown("reading", self._averaged(aperture))

        def disturb(values: Array, instants: NDArray[np.int64]) -> Array:
            starts = instants if shift is None else instants + shift
            return shown(self._displacement(values, starts, true_aperture), instants)

        return self.record(
            self._path,
            schedule,
            "position",
            "m",
            aperture=aperture,
            disturb=disturb,
            labels=labels,
            shift=shift,
            read_aperture=true_aperture,
        )

    def error(self, quantity: str, shown: Array, instants: NDArray[np.int64], aperture: int) -> Array:
        """As of every instrument: also what of its path is no way of the coil."""
        assert self._path is not None and self._ideal is not None
        path = self._path.means(instants, aperture)
        beside = self._displacement(path, instants, aperture) - self._ideal.means(instants, aperture)
        return beside + super().error(quantity, shown + beside, instants, self._averaged(aperture))

    def _averaged(self, aperture: int) -> int:
        """Over which the noise of a reading averages (ns); one at an instant has what the bandwidth leaves."""
        return aperture or to_ns(0.5 / self.bandwidth)

    def _shift(self, schedule: Schedule) -> NDArray[np.int64] | None:
        """By how much later than scheduled the readings of a burst are (ns), shape (readings,)."""
        if self.time_base_error == 0.0 and self.trigger_latency == 0.0:
            return None
        since_trigger = schedule.step * np.arange(schedule.count, dtype=np.int64)
        return np.rint(self.time_base_error * since_trigger + self.trigger_latency * NS).astype(np.int64)

    def _displacement(self, path: Array, starts: NDArray[np.int64], aperture: int) -> Array:
        """From the optical path difference (m) to what was counted since the start of the run."""
        assert self._path is not None and self._index is not None
        counted = path
        if self.dead_path:
            counted = counted - float(self._index(0.0)) * self.dead_path
        if self.nonlinearity:
            error, _ = sine_cosine(4 * math.pi / self.wavelength * counted + self.nonlinearity_phase)
            error *= self.nonlinearity
            if aperture:
                way = Rate(self._path).means(starts, aperture) * (aperture / NS)
                error *= np.sinc(2.0 / self.wavelength * way)
            counted = counted + error
        return counted


def _optical_path(scale: Signal, length: Signal) -> Signal:
    return scale * length if isinstance(scale, Constant) else _OpticalPath(scale, length)


class _OpticalPath(Product):
    """Scale times length, each averaged over an aperture by itself: the scale moves by little in it."""

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        return self.a.means(starts, aperture) * self.b.means(starts, aperture)
