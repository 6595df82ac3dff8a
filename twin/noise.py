"""Noise of an instrument: white, flicker and random walk, averaged over each reading's aperture.

Spectral densities are one-sided: S(f) = white² + flicker²/f + random_walk²/f². Samples are exact at the readings' own
times, at any spacing, and go on from call to call.

Flicker is a sum of 12 Ornstein-Uhlenbeck processes of variance σ² = flicker² ln ρ, whose correlation times τ grow by a
factor ρ = 6.6. One has S(f) = 4 σ² τ/(1 + (2π f τ)²); the sum is flicker²/f within 3.5 % (1.6 % rms) from 1e-6 Hz to
10 Hz. Below 1.6e-7 Hz the spectrum is flat, above 160 Hz it falls as 1/f². For 1/f noise as such a sum see E. Milotti,
arXiv:physics/0204033 (2002); for exact updates of a process and its mean D. T. Gillespie, Phys. Rev. E 54, 2084 (1996).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.errors import CheckpointError, SimulationError

Floats = NDArray[np.float64]
Distribution = Literal["normal", "rectangular", "triangular"]

TIME_CONSTANTS: Floats = np.geomspace(1e-3, 1e6, 12)  # τ of the processes that make up flicker noise (s)
LN_RATIO = math.log(1e9) / 11  # ln ρ, from one time constant to the next
_NS = 1e-9
_NEVER = 2**62  # ns since "the reading before the first one": every process has forgotten it
_CHUNK = 2**16  # readings worked on at once, which bounds the memory
_FEW = 4  # ways from reading to reading that are worth being kept: schedules are regular


@dataclass(frozen=True)
class NoiseFigures:
    """What a data sheet states about an instrument's noise, in the unit of its reading. All are zero or more.

    Parameters
    ----------
    white : amplitude spectral density (unit/√Hz); the mean over an aperture T has σ = white/√(2 T).
    flicker : amplitude spectral density at 1 Hz of noise with S(f) = flicker²/f (unit/√Hz at 1 Hz). Its Allan deviation
        is flicker·√(2 ln 2) at any averaging time.
    random_walk : the same for S(f) = random_walk²/f² (unit/√Hz at 1 Hz). A walk whose increments have the variance D·dt
        is the integral of white noise of density 2 D, so S(f) = 2 D/(2π f)² and D = 2π² random_walk².
    """

    white: float = 0.0
    flicker: float = 0.0
    random_walk: float = 0.0

    def __post_init__(self) -> None:
        for key, value in vars(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{key} noise must be a finite number, zero or more, not {value}")

    @property
    def quiet(self) -> bool:
        """Whether there is no noise at all."""
        return self.white == self.flicker == self.random_walk == 0


@dataclass(frozen=True)
class Streams:
    """Random numbers of a run: a stream depends on the seed, its name and its purpose, and on no other stream.

    Without a seed all is silent: each number is what is expected of it, so that readings are without noise.
    """

    seed: int | None

    def generator(self, name: str, purpose: str) -> np.random.Generator:
        """A generator at the start of a component's stream for a purpose; asking twice gives the same numbers twice."""
        if "/" in purpose:  # or two keys might read the same
            raise ValueError(f"the purpose of a random stream must not contain a slash: {purpose!r}")
        if self.seed is None:
            return cast(np.random.Generator, _Silence())
        key = np.frombuffer(hashlib.sha256(f"{name}/{purpose}".encode()).digest(), dtype="<u4")
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key.tolist())))


class _Silence:
    """In the place of a generator: what is expected of each number, of distributions that are symmetric about zero."""

    bit_generator: Any = SimpleNamespace(state={})

    def standard_normal(self, size: Any = None, *, out: Floats | None = None) -> Any:
        """Zero, or zeros."""
        if out is None:
            return 0.0 if size is None else np.zeros(size)
        out[...] = 0.0
        return out

    def uniform(self, low: float, high: float) -> float:
        """The middle."""
        return 0.5 * (low + high)

    def triangular(self, left: float, mode: float, right: float) -> float:
        """The mean."""
        return (left + mode + right) / 3.0


class NoiseSource:
    """The noise of one channel, as it goes on through a run; `name` selects its streams and is named in errors.

    The same seed and calls give the same bits. Calls that split the same readings otherwise use the same random numbers
    and agree to rounding (1e-15 of the noise).
    """

    def __init__(self, figures: NoiseFigures, streams: Streams, name: str) -> None:
        self.figures = figures
        self.name = name
        purposes = {**vars(figures), "flicker mean": figures.flicker}
        self._generators = {key: streams.generator(name, key) for key, value in purposes.items() if value > 0}
        self._silent = any(isinstance(generator, _Silence) for generator in self._generators.values())
        self._flicker: Floats = np.zeros(TIME_CONSTANTS.size)  # the processes at the end of the last reading, σ = 1
        self._walk = 0.0
        self._end: int | None = None  # of the last reading (ns)

    def sample(self, instants: NDArray[np.int64], aperture: int) -> Floats:
        """Mean of the noise over each reading's aperture, with its exact variances and correlations; shape (n,).

        Flicker is stationary from the start; the random walk is zero at the start of the first reading ever.

        Parameters
        ----------
        instants : starts of the readings (ns), strictly increasing, shape (n,).
        aperture : over which a reading averages (ns). For an instantaneous reading with bandwidth B give the effective
            aperture 1/(2 B); 0 is for sources without white noise only.

        Raises a `SimulationError`, and draws nothing, if a reading starts before the one before it ended.
        """
        starts = np.asarray(instants)
        if starts.ndim != 1 or starts.dtype.kind != "i" or aperture < 0:
            raise ValueError(f"{self.name}: noise needs one row of integer instants and an aperture of zero or more")
        if self.figures.white > 0 and aperture == 0:
            raise ValueError(f"{self.name}: an instantaneous reading needs a bandwidth B; give the aperture 1/(2 B)")
        if not starts.size or self._silent:
            return np.zeros(starts.size)
        steps = self._steps(starts, aperture)
        if self.figures.white > 0:
            values: Floats = self._generators["white"].standard_normal(starts.size)
            values *= self.figures.white / math.sqrt(2 * aperture * _NS)
        else:
            values = np.zeros(starts.size)
        if self.figures.flicker > 0:
            sigma = math.sqrt(LN_RATIO) * self.figures.flicker
            for i in range(0, starts.size, _CHUNK):
                values[i : i + _CHUNK] += sigma * self._sample_flicker(steps[i : i + _CHUNK], aperture * _NS)
        if self.figures.random_walk > 0:
            values += self._sample_walk(np.where(steps == _NEVER, aperture, steps) * _NS, aperture * _NS)
        self._end = int(starts[-1]) + aperture
        return values

    def _steps(self, starts: NDArray[np.int64], aperture: int) -> NDArray[np.int64]:
        """From the end of one reading to the end of the next (ns), `_NEVER` before the first ever."""
        steps = np.empty(starts.size, dtype=np.int64)
        steps[0] = _NEVER if self._end is None else starts[0] + aperture - self._end
        np.subtract(starts[1:], starts[:-1], out=steps[1:])
        if steps.min() < max(aperture, 1):
            i = int((steps < max(aperture, 1)).argmax())
            raise SimulationError(
                f"{self.name}: the reading at {starts[i]} ns does not follow the end of the one before, which is at"
                f" {starts[i] + aperture - steps[i]} ns; take the readings of a noise source in the order of time"
            )
        return steps

    def _sample_flicker(self, steps: NDArray[np.int64], aperture: float) -> Floats:
        """The sum of the processes (σ = 1). `work` is reused, as fresh memory costs as much as the arithmetic."""
        distinct = np.unique(steps[np.insert(np.diff(steps) != 0, 0, True)])  # few; exponentials are dear
        few = distinct.size <= _FEW
        coefficients = _flicker_coefficients if few else _flicker_coefficients.__wrapped__
        decay, drive, before, after, spread = coefficients(distinct.tobytes(), aperture)

        # Reading i is at [i % length, i // length]: one step of all blocks is contiguous. The last block is filled up.
        count, length = steps.size, math.isqrt(steps.size - 1) + 1
        blocks = -(-count // length)
        index = np.searchsorted(distinct, np.resize(steps, blocks * length))
        which = index.reshape(blocks, length).T
        normals = np.zeros((blocks * length, TIME_CONSTANTS.size))
        self._generators["flicker"].standard_normal(out=normals[:count])
        states = np.empty((length + 1, blocks, TIME_CONSTANTS.size))  # states[0] holds the states before each block
        states[1:] = normals.reshape(blocks, length, -1).swapaxes(0, 1)
        work = normals.reshape(length, blocks, -1)

        states[1:] *= drive.take(which, axis=0, out=work, mode="clip")
        states[0, 0] = self._flicker
        _recur(decay.take(which, axis=0, out=work, mode="clip"), states)
        block, position = divmod(count - 1, length)
        self._flicker = states[position + 1, block].copy()
        means: Floats = np.einsum("ijk,ijk->ji", before.take(which, axis=0, out=work, mode="clip"), states[:-1])
        means += np.einsum("ijk,ijk->ji", after.take(which, axis=0, out=work, mode="clip"), states[1:])
        rest: Floats = spread[index[:count]] * self._generators["flicker mean"].standard_normal(count)
        return rest + means.ravel()[:count]

    def _sample_walk(self, spans: Floats, aperture: float) -> Floats:
        """The walk between two known values is a Brownian bridge, whose mean over the aperture is normal."""
        diffusion = 2 * math.pi**2 * self.figures.random_walk**2
        normals = self._generators["random_walk"].standard_normal((spans.size, 2))
        walk: Floats = np.cumsum(np.append(self._walk, np.sqrt(diffusion * spans) * normals[:, 0]))
        self._walk = float(walk[-1])
        ratio = aperture / np.maximum(spans, _NS)
        spread = np.sqrt(diffusion * aperture * (1 / 3 - ratio / 4))
        return walk[1:] + ratio / 2 * (walk[:-1] - walk[1:]) + spread * normals[:, 1]

    def state(self) -> dict[str, Any]:
        """All that the continuation depends on, as plain numbers, lists and strings."""
        own = {"name": self.name, "end": self._end, "flicker": self._flicker.tolist(), "walk": self._walk}
        return {**own, "generators": {key: value.bit_generator.state for key, value in self._generators.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state` was taken, to the bit; a `CheckpointError` if it is the state of another source."""
        if state["name"] != self.name or state["generators"].keys() != self._generators.keys():
            saved = f"{state['name']!r} with {sorted(state['generators'])}"
            raise CheckpointError(f"{self.name}: the saved noise is of {saved}; resume with the saved scenario")
        self._end, self._walk = state["end"], state["walk"]
        self._flicker = np.array(state["flicker"], dtype=np.float64)
        for key, generator in self._generators.items():
            generator.bit_generator.state = state["generators"][key]


@lru_cache(maxsize=32)
def _flicker_coefficients(steps: bytes, aperture: float) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """How a process (σ = 1) goes from the end P of one reading to the end E of the next, and its mean M over the next;
    `steps` are the bytes of the spans from end to end (int64, ns), `aperture` is in seconds.

    E = decay·P + drive·n and M = before·P + after·E + a rest that is independent of all other readings, because the
    process is Markovian; one normal variable of standard deviation `spread` serves for the sum of the rests. It is the
    regression of M on (P, E) with ⟨P E⟩ = e^-h, ⟨E M⟩ = p = (1 - e^-x)/x, ⟨P M⟩ = e^-(h-x) p and
    ⟨M²⟩ = 2 (x - 1 + e^-x)/x², where h = span/τ ≥ x = aperture/τ. Shapes: (spans, processes), for `spread` (spans,).
    """
    h, x = np.frombuffer(steps, dtype=np.int64)[:, None] * _NS / TIME_CONSTANTS, aperture / TIME_CONSTANTS
    gap = h - x
    end_mean = -np.expm1(-np.maximum(x, 1e-300)) / np.maximum(x, 1e-300)
    series = 1 - x / 3 * (1 - x / 4 * (1 - x / 5 * (1 - x / 6)))  # where the closed form cancels
    mean_square = np.where(x < 0.01, series, 2 * (x + np.expm1(-x)) / np.maximum(x, 0.01) ** 2)
    drive_square = -np.expm1(-2 * h)
    before = end_mean * np.exp(-gap) * -np.expm1(-x) / drive_square
    after = end_mean * -np.expm1(-h - gap) / drive_square
    rest = mean_square - end_mean * (before * np.exp(-gap) + after)
    return np.exp(-h), np.sqrt(drive_square), before, after, np.sqrt(np.maximum(rest, 0).sum(axis=1))


def _recur(decay: Floats, states: Floats) -> None:
    """In place, x[i] += decay[i]·x[i-1] in states[1:]: blocks from zero first, then from where the last one ends."""
    ends = states[1].copy()
    for factor, state in zip(decay[1:], states[2:], strict=True):
        ends *= factor
        ends += state
    passed = decay.prod(axis=0)
    for b in range(1, len(ends)):
        states[0, b] = passed[b - 1] * states[0, b - 1] + ends[b - 1]
    for k, factor in enumerate(decay):
        states[k + 1] += np.multiply(factor, states[k], out=ends)


def quantise(values: ArrayLike, step: float) -> Floats:
    """Values rounded to multiples of `step`, halves to the even multiple; with step 0 they stay as they are."""
    if not step >= 0:
        raise ValueError(f"a resolution must be zero or more, not {step}")
    array = np.asarray(values, dtype=np.float64)
    if step == 0:
        return array
    counts = array / step
    np.rint(counts, out=counts)
    counts *= step
    return counts


@lru_cache(maxsize=1024)
def draw_calibration(
    streams: Streams, name: str, standard_uncertainty: float, distribution: Distribution = "normal"
) -> float:
    """The error of a calibration, in the unit of its standard uncertainty, drawn once a run (JCGM 100:2008, 4.3).

    The name, such as ``"dvm.gain"``, stands for one error. A rectangular distribution has a half-width of √3 standard
    uncertainties, a triangular one of √6.
    """
    if not (math.isfinite(standard_uncertainty) and standard_uncertainty >= 0):
        raise ValueError(f"{name}: a standard uncertainty must be zero or more, not {standard_uncertainty}")
    generator = streams.generator(name, "calibration")
    if distribution == "normal":
        return standard_uncertainty * generator.standard_normal()
    if distribution == "rectangular":
        return standard_uncertainty * math.sqrt(3) * generator.uniform(-1, 1)
    if distribution == "triangular":
        return standard_uncertainty * math.sqrt(6) * generator.triangular(-1, 0, 1)
    raise ValueError(f"{name}: a distribution is normal, rectangular or triangular, not {distribution!r}")
