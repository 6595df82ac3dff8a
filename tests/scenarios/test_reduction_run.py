"""A synthetic TMTP run whose physics is written out in closed form, and the closure of its reduction."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from components.air import air_density
from scenarios.reduction import Certificates, Corrections, ReductionSettings, reduce
from twin.recorder import NS, Block, Blocks, Schedule

CYCLE = 3600  # s
APERTURE = 20_000_000  # ns


@dataclass(frozen=True)
class Run:
    """A balance and its plan; the defaults are free of every effect."""

    mass: float = 1.0
    gravity: float = 9.80
    cycles: int = 3
    weighings: int = 8
    sweeps: int = 20
    readings: int = 15
    bl: tuple[float, ...] = (1400.0, 30.0, -4e4)  # T·m, about z = 0
    z_on: float = 0.0
    z_off: float = 0.0
    alpha: float = 0.0  # 1/K
    rise: Callable[[float], float] = lambda t: 0.0  # magnet temperature (K) at t (s)
    beta: float = 0.0
    k: float = 0.0
    resistance: float = 1e3
    drift: float = 0.0  # of the resistance, 1/s
    tare_drift: Callable[[float], float] = lambda t: 0.0  # N
    tare_share: float = 0.5
    gain_current: float = 1.0
    gain_induced: float = 1.0
    offset_current: float = 0.0  # V
    offset_induced: float = 0.0
    air: tuple[float, float, float] | None = None  # K, Pa, 1
    noise_current: float = 0.0  # V, each reading
    noise_induced: float = 0.0
    noise_position: float = 0.0
    sine: bool = False
    order: str = "alternating"
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    def bl_at(self, z: float, t: float) -> float:
        return sum(c * z**k for k, c in enumerate(self.bl)) * (1 + self.alpha * self.rise(t))

    def current(self, on: bool, t: float) -> float:
        """That which balances: F = Bl I (1 + β I²) − k z I²."""
        density = 0.0 if self.air is None else float(air_density(*self.air))
        tare = self.tare_share * self.mass
        force = ((self.mass * (1 - density / 8000.0) if on else 0.0) - tare) * self.gravity + self.tare_drift(t)
        z, current = self.z_on if on else self.z_off, 0.0
        bl = self.bl_at(z, t)
        for _ in range(50):
            current = (force + self.k * z * current**2) / (bl * (1 + self.beta * current**2))
        return current

    def is_on(self, j: int) -> bool:
        return j % 2 == 1 if self.order == "alternating" else j % 4 in (1, 2)

    def blocks(self) -> Blocks:
        blocks, length = Blocks(), CYCLE * NS // 2
        for c in range(self.cycles):
            self._weigh(blocks, c, 2 * c * length, length)
            self._move(blocks, c, (2 * c + 1) * length, length)
        return blocks

    def _add(self, blocks: Blocks, channel: str, quantity: str, start: int, values: object, **labels: object) -> None:
        array = np.atleast_2d(np.asarray(values, dtype=float))
        schedule = Schedule(start, APERTURE, array.shape[1])
        blocks.append(Block(channel, quantity, "", schedule, APERTURE, array, labels))

    def _weigh(self, blocks: Blocks, c: int, start: int, length: int) -> None:
        for j in range(self.weighings):
            at = start + (length // self.weighings) * j + length // self.weighings // 2
            t, on = (at + 2.5 * APERTURE) / NS, self.is_on(j)
            voltage = self.resistance * (1 + self.drift * t) * self.current(on, t)
            values = self.gain_current * voltage + self.offset_current + self.noise_current * self.rng.normal(size=5)
            labels = {"phase": "weighing", "cycle": c, "weighing": j, "state": "on" if on else "off"}
            self._add(blocks, "current_voltmeter", "voltage", at, values, **labels)
            self._add(blocks, "interferometer", "position", at, [self.z_on if on else self.z_off] * 5, **labels)
            self._add(
                blocks, "magnet_thermometer", "temperature_rise", at, [self.rise(t)] * 5, phase="weighing", cycle=c
            )
        for channel, gain in (("current_voltmeter", self.gain_current), ("induced_voltmeter", self.gain_induced)):
            self._add(blocks, channel, "voltage", start, [10.0 * gain] * 4, phase="calibration", cycle=c)
        if self.air is not None:
            for quantity, value in zip(("temperature", "pressure", "humidity"), self.air, strict=True):
                self._add(blocks, "environment", quantity, start, [value], phase="weighing", cycle=c)

    def _move(self, blocks: Blocks, c: int, start: int, length: int) -> None:
        every = length // self.sweeps
        schedule = Schedule(start, APERTURE, self.readings, every, self.sweeps)
        edges = np.linspace(-1, 1, self.readings + 1)
        shape = np.sin(1.4 * edges) if self.sine else edges + 0.01 * np.sin(7 * edges)
        z = 1e-4 * shape * (1 - 2 * (np.arange(self.sweeps) % 2))[:, None] + 3e-6
        flux = sum(b * np.longdouble(z) ** (k + 1) / (k + 1) for k, b in enumerate(self.bl))
        t = (schedule.start + schedule.every * np.arange(self.sweeps) + 0.5 * APERTURE * self.readings) / NS
        warm = 1 + self.alpha * np.array([self.rise(x) for x in t])[:, None]
        voltage = np.float64(np.diff(flux, axis=1) * warm / (APERTURE / NS))
        voltage = (
            self.gain_induced * voltage + self.offset_induced + self.noise_induced * self.rng.normal(size=voltage.shape)
        )
        z = z + self.noise_position * self.rng.normal(size=z.shape)
        labels = {"phase": "velocity", "cycle": c}
        blocks.append(Block("induced_voltmeter", "voltage", "V", schedule, APERTURE, voltage, labels))
        positions = dataclasses.replace(schedule, count=self.readings + 1)
        blocks.append(Block("interferometer", "position", "m", positions, 0, z, labels))
        rise = Schedule(int(t[0] * NS), every, self.sweeps)
        values = np.array([[self.rise(x) for x in t]])
        blocks.append(Block("magnet_thermometer", "temperature_rise", "K", rise, 0, values, labels))

    def certificates(self, **changes: object) -> Certificates:
        """Those of a laboratory that is right about everything."""
        right = Certificates(
            resistance=self.resistance,
            resistance_drift=self.drift,
            gravity=self.gravity,
            mass_density=8000.0,
            reference_voltage=10.0,
            reluctance_k=self.k,
            beta=self.beta,
            temperature_coefficient=self.alpha,
            vacuum=self.air is None,
        )
        return dataclasses.replace(right, **changes)


def by_phase(weighing: float, velocity: float) -> Callable[[float], float]:
    """A magnet temperature with one value in each phase."""
    return lambda t: weighing if t % CYCLE < CYCLE / 2 else velocity


def settings(corrections: dict[str, bool] | None = None, **changes: object) -> ReductionSettings:
    return ReductionSettings(corrections=Corrections(**(corrections or {})), **changes)


def error(run: Run, chosen: ReductionSettings | None = None, **certificates: object) -> float:
    return reduce(run.blocks(), run.certificates(**certificates), chosen).mass_kg / run.mass - 1


SCHEMES = ("polynomial", "aba", "abba")
AIR = (293.65, 100_800.0, 0.45)
CURRENT = 9.80 / (2 * 1400.0)  # A, for 1 kg with a tare of half of it
MID_WEIGHING = CYCLE / 4  # s, mean time of the weighings of the first cycle


@pytest.mark.parametrize("mass", [1.0, 0.1, 1e-3])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("sine", [False, True])
def test_a_run_without_effects_returns_the_mass(mass: float, scheme: str, sine: bool) -> None:
    assert abs(error(Run(mass=mass, sine=sine), settings(weighing_scheme=scheme))) < 1e-14


def test_a_run_without_effects_has_no_scatter_and_every_correction_is_nil() -> None:
    result = reduce(Run().blocks(), Run().certificates())
    assert result.u_relative < 1e-14
    assert all(abs(size) < 1e-15 for size in result.corrections.values())
    assert result.bl_Tm == pytest.approx(1400.0, rel=1e-14)
    assert [c.number for c in result.cycles] == [8, 8, 8]
    assert [c.time_s for c in result.cycles] == pytest.approx([900.05, 4500.05, 8100.05])


@given(
    gains=st.tuples(st.floats(0.5, 2), st.floats(0.5, 2)),
    offsets=st.tuples(st.floats(-1e-3, 1e-3), st.floats(-1e-3, 1e-3)),
    tare=st.floats(0.2, 0.8),
    position=st.floats(-8e-5, 8e-5),
    drift=st.floats(-1e-8, 1e-8),
    beta=st.floats(-1e-2, 1e-2),
    k=st.floats(0, 1e3),
)
@hypothesis_settings(max_examples=30, deadline=None)
def test_with_right_certificates_all_effects_together_come_out(
    gains: tuple[float, float],
    offsets: tuple[float, float],
    tare: float,
    position: float,
    drift: float,
    beta: float,
    k: float,
) -> None:
    run = Run(
        gain_current=gains[0],
        gain_induced=gains[1],
        offset_induced=offsets[1],
        tare_share=tare,
        z_on=position,
        z_off=-0.5 * position,
        drift=drift,
        beta=beta,
        k=k,
        air=AIR,
        cycles=2,
        alpha=-1e-3,
        rise=by_phase(0.2, 0.5),
    )
    assert abs(error(run, settings({"temperature": True}))) < 1e-12
    shifted = dataclasses.replace(run, beta=0.0, k=0.0, offset_current=offsets[0], drift=0.0, z_on=0.0, z_off=0.0)
    assert abs(error(shifted, settings({"temperature": True}))) < 1e-12
