"""The coarse current source by itself: ranges, their steps and noise, and the compliance voltage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np
from pydantic import PrivateAttr

from components.compensating_source import CompensatingSource
from twin.clock import Process
from twin.component import Port
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.signal import Signal
from twin.times import Times, to_ns

OVERRANGE = 1.05
"""A range reaches 5 % beyond its full scale."""
NOISE_BAND = 9.9
"""From 0.1 Hz to 10 Hz, for which the noise of a range is stated (Hz)."""


class CurrentRange(NamedTuple):
    """A range of a current source.

    Parameters
    ----------
    full_scale : A.
    step : in which a current is set (A).
    noise : rms, 0.1 Hz to 10 Hz (A).
    """

    full_scale: float
    step: float
    noise: float


KEITHLEY_6221 = (
    CurrentRange(2e-9, 100e-15, 80e-15),
    CurrentRange(20e-9, 1e-12, 0.8e-12),
    CurrentRange(200e-9, 10e-12, 4e-12),
    CurrentRange(2e-6, 100e-12, 40e-12),
    CurrentRange(20e-6, 1e-9, 0.4e-9),
    CurrentRange(200e-6, 10e-9, 4e-9),
    CurrentRange(2e-3, 100e-9, 40e-9),
    CurrentRange(20e-3, 1e-6, 0.4e-6),
    CurrentRange(100e-3, 10e-6, 2e-6),
)
"""The nine ranges of a 6221: source specifications of its manual (rev. B of 1/17/05), noise typical."""


class RangedSource(CompensatingSource):
    """A source without fine stage and servo: it delivers what it is set to, in the steps of the range that it is on.

    A current beyond the range or the limit is refused, never clipped. What the compliance voltage does not drive
    through the load is not delivered: then `in_compliance` holds. The load is looked at whenever something is set; that
    it warms afterwards changes nothing. The noise is that of the range, as long as the part has noise at all
    (`white_noise`, which states what a servo leaves over, or `flicker_noise`).

    A servo's own stage adds its current (`servo`) behind the same relay; as far as it regulates (`regulated`), noise is
    what the part states. It is no source without bounds either: whoever plays it asks what `forbids` its current.
    """

    inputs: ClassVar[Mapping[str, Port]] = {**CompensatingSource.inputs, "servo": Port("A", default=0.0)}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {
        **CompensatingSource.depends,
        "current": CompensatingSource.depends["current"] | {"servo"},
    }

    least_compliance: float = parameter("V", 0.1, gt=0, description="smallest compliance voltage that can be set")

    _range: int = PrivateAttr(default=len(KEITHLEY_6221) - 1)
    _level: float = PrivateAttr(default=0.0)
    _compliance: float | None = PrivateAttr(default=None)
    _is_connected: bool = PrivateAttr(default=False)
    _in_compliance: bool = PrivateAttr(default=False)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        made = super().signals(**{**inputs, "demand": inputs["demand"] + inputs["servo"]})
        quiet = not (self.white_noise or self.flicker_noise)
        figures = NoiseFigures() if quiet else NoiseFigures(white=1.0 / math.sqrt(NOISE_BAND))
        unit = self.noise_signal("range", figures, self.noise_step)
        own = self.timeline("connected") * (self.timeline("noise", self.range.noise) * unit)
        free, left = own + inputs["servo_noise"], made["noise"]
        if not quiet:
            regulated = self.timeline("regulated")
            free = (1.0 - regulated) * free + regulated * left
        return {**made, "noise": free}

    # --- what it is set to -------------------------------------------------------------------------------------------

    @property
    def range(self) -> CurrentRange:
        """The range that it is on."""
        return KEITHLEY_6221[self._range]

    @property
    def level(self) -> float:
        """The current that it is set to (A), to the step of its range."""
        return self._level

    @property
    def compliance(self) -> float:
        """Largest voltage that it applies (V)."""
        most = math.inf if self.compliance_voltage is None else self.compliance_voltage
        return most if self._compliance is None else self._compliance

    @property
    def is_connected(self) -> bool:
        """Whether its output is on."""
        return self._is_connected

    @property
    def in_compliance(self) -> bool:
        """Whether it delivers less than its level, since that would take more than the compliance voltage."""
        return self._in_compliance

    def fitting(self, current: float) -> CurrentRange:
        """The lowest range that holds a current (A).

        Raises
        ------
        ValueError
            If there is none.
        """
        for found in KEITHLEY_6221:
            if abs(current) <= OVERRANGE * found.full_scale * (1 + 1e-12):
                return found
        raise ValueError(f"{self.name}: no range holds {current:g} A")

    def select(self, full_scale: float) -> None:
        """Change to the lowest range with at least this full scale (A).

        Raises
        ------
        ValueError
            If there is none, or it does not hold the present level.
        """
        found = self.fitting(full_scale)
        if abs(self._level) > OVERRANGE * found.full_scale * (1 + 1e-12):
            raise ValueError(f"{self.name}: the range of {found.full_scale:g} A does not hold {self._level:g} A")
        self._range = KEITHLEY_6221.index(found)
        self.timeline("noise").ramp_to(found.noise, self.clock.now, self.clock.now)
        self._level = _rounded(self._level, found.step)
        self._deliver(0)

    def set(self, current: float, duration: float) -> Process:
        """Ramp to a current (A) within `duration` (s).

        Raises
        ------
        ValueError
            Beyond the range or the limit; nothing is clipped.
        """
        if not abs(current) <= min(self.limit, OVERRANGE * self.range.full_scale * (1 + 1e-12)):
            raise ValueError(
                f"{self.name}: {current} A is beyond its limit of {self.limit} A or its range of "
                f"{self.range.full_scale} A"
            )
        self._level = _rounded(current, self.range.step)
        self._deliver(to_ns(duration))
        yield self.clock.wait(duration)

    def set_compliance(self, voltage: float) -> None:
        """Limit the voltage (V).

        Raises
        ------
        ValueError
            Below the least or beyond the largest compliance voltage.
        """
        most = math.inf if self.compliance_voltage is None else self.compliance_voltage
        if not self.least_compliance <= voltage <= most:
            raise ValueError(f"{self.name}: {voltage} V is not from {self.least_compliance} V to {most} V")
        self._compliance = voltage
        self._deliver(0)

    def connect(self) -> None:
        self._is_connected = True
        super().connect()
        self._deliver(0)

    def disconnect(self) -> None:
        self._is_connected = self._in_compliance = False
        super().disconnect()

    def forbids(self, servo: float) -> str:
        """What does not let a servo's current (A) flow beside its own, in words; empty: nothing."""
        total, most = self._level + servo, min(self.limit, OVERRANGE * self.range.full_scale) * (1 + 1e-12)
        if not abs(total) <= most:
            return f"{total:.6g} A is beyond {most:.6g} A of range and limit"
        if not abs(total) * self._load() <= self.compliance:
            return f"{total:.6g} A takes more than the compliance voltage of {self.compliance:g} V"
        return ""

    def regulate(self, share: float, duration: float) -> None:
        """From now on let a servo take out this share of the noise, reached within `duration` (s)."""
        self.timeline("regulated").ramp_to(share, self.clock.now, self.clock.now + to_ns(duration))

    def _deliver(self, duration: int) -> None:
        """Let the current go to the level within `duration` (ns), as far as the compliance voltage drives it."""
        now, load = self.clock.now, self._load()
        most = self.compliance / load if load > 0 else math.inf
        self._in_compliance = self._is_connected and abs(self._level) > most
        delivered = math.copysign(min(abs(self._level), most), self._level) if self._in_compliance else self._level
        self.timeline("set").ramp_to(delivered, now, now + duration)

    def _load(self) -> float:
        """That it looks into now (Ω)."""
        if self._load_resistance is None:
            return self.series_resistance
        return float(self._load_resistance.at(Times(np.array([self.clock.now])))[0])


def _rounded(current: float, step: float) -> float:
    """To the nearest step, as the decimal number that it is shown as."""
    return float(f"{round(current / step) * step:.12g}")
