"""Vibration of the ground, which moves the coil, the magnet and the interferometer's reference together."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from twin.component import Port
from twin.errors import SimulationError
from twin.instrument import Instrument
from twin.noise import Streams
from twin.parameter import Parameters, parameter
from twin.signal import Constant, Signal
from twin.spline_signal import SplineSignal
from twin.times import NS, to_ns

Table = list[tuple[float, float]]
Response = Callable[[NDArray[np.float64]], NDArray[np.complex128]]
POINTS = 2**19
"""Of the grid that noise is made on; it repeats after them."""
OVERSAMPLING = 16
"""Grid points in a period of the highest frequency."""


class Resonance(Parameters):
    """A mode of what carries a part: the ground shakes it, and it moves the part beside its share.

    ``participation · H(ω) x`` with ``H = ω²/(ω0² − ω² + i ω ω0/Q)``, the motion of an oscillator against the ground.
    """

    moves: Literal["coil", "magnet", "reference"] = "coil"
    frequency: float = parameter("Hz", gt=0, description="ω0/2π")
    quality: float = parameter("1", gt=0.5, le=1e4, description="Q")
    participation: float = parameter("1", 1.0, description="of the mode in the part's vertical motion")

    def response(self, hertz: NDArray[np.float64]) -> NDArray[np.complex128]:
        """What a motion of the ground becomes, at frequencies (Hz), with the phase of exp(+iωt)."""
        ratio = hertz / self.frequency
        return np.asarray(self.participation * ratio**2 / (1.0 - ratio**2 + 1j * ratio / self.quality), dtype=complex)


class GroundVibration(Instrument):
    """A vertical displacement x(t) of the ground, of which coil, magnet and reference mirror follow a share each.

    ``coil = (coil_share − magnet_share) x`` is how far the coil moves against the magnet, which induces a voltage, and
    ``interferometer = (coil_share − reference_share) x`` how far it moves against the reference mirror, which is
    measured: with equal shares of magnet and reference the same velocity is in both and cancels in their ratio.

    What carries a part may resonate: each of the `resonances` adds its mode to the motion of the part that it moves. A
    coil that is clamped to the magnet's frame follows as the magnet does, and moves against it by its resonances alone.

    x is Gaussian noise of a one-sided amplitude spectral density, interpolated in double logarithm between the points
    of `spectrum` and zero beyond them; it repeats after 32768 periods of the highest frequency (55 min at 10 Hz), and
    hangs on the run's seed and the part's name alone. Or x is a record, continued periodically without the line through
    its ends.

    A laboratory on the ground floor (assumed; between the low- and high-noise models of J. Peterson, USGS Open-File
    Report 93-322 (1993), which at 0.2 Hz are 6e-8 and 8e-6 m/√Hz and at 10 Hz 1e-12 and 7e-9 m/√Hz)::

        spectrum: [[0.05, 1e-8], [0.2, 1e-7], [1, 1e-8], [10, 1e-9]]
    """

    inputs: ClassVar[Mapping[str, Port]] = {}
    outputs: ClassVar[Mapping[str, Port]] = {"coil": Port("m"), "interferometer": Port("m")}

    spectrum: Table = Field(default=[], description="pairs of frequency (Hz) and displacement (m/√Hz)")
    spectrum_file: Path | None = Field(
        default=None, description="CSV file: frequency (Hz), displacement (m/√Hz)", json_schema_extra={"path": True}
    )
    record_table: Table = Field(default=[], description="pairs of time (s), at regular steps, and displacement (m)")
    record_file: Path | None = Field(
        default=None, description="CSV file: time (s), displacement (m)", json_schema_extra={"path": True}
    )
    coil_share: float = parameter("1", 0.0, neutral=0.0, description="of x; a free suspension keeps the coil at rest")
    magnet_share: float = parameter("1", 1.0, neutral=0.0, description="of x")
    reference_share: float = parameter("1", 1.0, neutral=0.0, description="of x")

    resonances: list[Resonance] = Field(
        default=[], description="of what carries coil, magnet and reference", json_schema_extra={"neutral": []}
    )

    @field_validator("spectrum")
    @classmethod
    def _spectrum_is_usable(cls, spectrum: Table) -> Table:
        hertz = [point[0] for point in spectrum]
        if spectrum and (len(spectrum) < 2 or not all(b > a for a, b in pairwise(hertz))):
            raise ValueError("expected at least two pairs of frequency and displacement with rising frequency")
        if not all(math.isfinite(number) and number > 0 for point in spectrum for number in point):
            raise ValueError("expected frequencies and displacements greater than 0")
        if spectrum and (hertz[-1] > 1e5 or hertz[-1] * OVERSAMPLING > hertz[0] * POINTS):
            raise ValueError("expected frequencies up to 100 kHz, the highest at most 32768 times the lowest")
        return spectrum

    @field_validator("record_table")
    @classmethod
    def _record_is_usable(cls, record: Table) -> Table:
        if record:
            time = np.array(record)[:, 0]
            if len(record) < 8 or not np.isfinite(record).all():
                raise ValueError("expected at least 8 pairs of time and displacement, all finite numbers")
            seconds = (time[-1] - time[0]) / (len(time) - 1)
            if to_ns(seconds) < 1 or np.abs(np.diff(time) - seconds).max() > 1e-3 * seconds:
                raise ValueError("expected times that rise by regular steps")
        return record

    @model_validator(mode="after")
    def _is_given_once(self) -> GroundVibration:
        given = [key for key in ("spectrum", "spectrum_file", "record_table", "record_file") if getattr(self, key)]
        if len(given) > 1:
            raise ValueError(f"expected either a spectrum or a record, given once, not {' and '.join(given)}")
        return self

    def points(self, what: Literal["spectrum", "record"]) -> Table:
        """The table in force, from its file if it is in one; empty if there is none.

        Raises
        ------
        SimulationError
            If the file cannot be used.
        """
        file: Path | None = getattr(self, f"{what}_file")
        if file is None:
            return self.spectrum if what == "spectrum" else self.record_table
        try:
            with warnings.catch_warnings(action="error"):  # numpy only warns of an empty file
                data = np.loadtxt(file, delimiter=",", ndmin=2, comments="#", usecols=(0, 1))
            rows = [(float(a), float(b)) for a, b in data]
            return self._spectrum_is_usable(rows) if what == "spectrum" else self._record_is_usable(rows)
        except (OSError, ValueError, UserWarning) as error:
            columns = "frequency (Hz) and displacement (m/√Hz)" if what == "spectrum" else "time (s), displacement (m)"
            raise SimulationError(f"{self.name}: {file} is no table of {columns}: {error}") from None

    def tables(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.spectrum_file is not None:
            found |= {"spectrum_file": None, "spectrum": [list(point) for point in self.points("spectrum")]}
        if self.record_file is not None:
            found |= {"record_file": None, "record_table": [list(point) for point in self.points("record")]}
        return found

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"coil": self._between("coil", "magnet"), "interferometer": self._between("coil", "reference")}

    def _between(self, part: str, other: str) -> Signal:
        """How far a part moves against another (m)."""
        share = getattr(self, f"{part}_share") - getattr(self, f"{other}_share")
        modes = [(1.0 if mode.moves == part else -1.0, mode) for mode in self.resonances if mode.moves in (part, other)]
        if not modes:
            return share * self._ground() if share else Constant(0.0)
        return self._ground(
            lambda hertz: share + sum(sign * mode.response(hertz) for sign, mode in modes), part + other
        )

    def _ground(self, response: Response | None = None, of: str = "ground") -> Signal:
        """The displacement of the ground (m), or what `response` makes of it."""
        spectrum, record = self.points("spectrum"), self.points("record")
        if record:
            return self._continued(record, response, of)
        if not spectrum:
            return Constant(0.0)
        if response is None:
            return _noise(self.bench.streams, self.name, tuple(spectrum))
        return _made(self.bench.streams, self.name, tuple(spectrum), response, of)

    def _continued(self, record: Table, response: Response | None, of: str) -> Signal:
        time, x = np.array(record).T
        seconds = (time[-1] - time[0]) / (len(time) - 1)
        level = x - np.linspace(x[0], x[-1], len(x))

        def values() -> NDArray[np.complex128]:
            found = np.fft.rfft(level)
            return found if response is None else found * response(np.fft.rfftfreq(len(level), seconds))

        return SplineSignal.through(f"{self.name}.{of}", to_ns(seconds), values, len(level))


@lru_cache(maxsize=2)
def _noise(streams: Streams, name: str, spectrum: tuple[tuple[float, float], ...]) -> Signal:
    """The ground of a seed, which is the same in every run and a study has many of."""
    return _made(streams, name, spectrum, None, "ground")


def _made(
    streams: Streams, name: str, spectrum: tuple[tuple[float, float], ...], response: Response | None, of: str
) -> Signal:
    hertz, density = np.array(spectrum).T
    step = math.floor(NS / (OVERSAMPLING * hertz[-1]))
    resolution = NS / (step * POINTS)

    def values() -> NDArray[np.complex128]:
        bins = np.arange(math.ceil(hertz[0] / resolution), math.floor(hertz[-1] / resolution) + 1)
        amplitude = np.exp(np.interp(np.log(bins * resolution), np.log(hertz), np.log(density)))
        draws = streams.generator(name, "displacement").standard_normal((len(bins), 2))
        # A cosine and a sine of variance S df each: their sum has the power of the bin.
        found = 0.5 * POINTS * math.sqrt(resolution) * amplitude * (draws[:, 0] + 1j * draws[:, 1])
        if response is not None:
            found = found * response(bins * resolution)
        return np.concatenate([np.zeros(bins[0]), found])

    return SplineSignal.through(f"{name}.{of}", step, values, POINTS)
