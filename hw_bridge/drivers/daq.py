"""Voltages of sensors through a data acquisition card of National Instruments (extra ``daq``: nidaqmx, MIT licence).

::

    hardware:
      driver: daq_fluxgate            # or daq_position_detector, daq_displacement_sensor
      resource: Dev1
      settings:
        field: ai0                    # the channel of each quantity that the sensor has
        field_scale: 205 uT/V         # quantity per volt
        field_zero: 12 mV             # what it shows at zero
        span: 10 V                    # of the channel; what is beyond 99.9 % of it is no reading
        rate: 1 kHz                   # of samples; each reading is their mean over its step
        wires: differential           # or single_ended, pseudo_differential

The quantities are ``field`` (T) of a fluxgate, ``x``, ``y`` (m), ``theta_x``, ``theta_y`` (rad) of a position
detector and ``position`` (m) of a displacement sensor. They are sampled together, by the card's own clock; each burst
is started by software, and ``late_s`` of its block says by how much later than it was to be. What the card takes from
there to its first sample no data sheet tells: ``commission`` measures it against other channels, and
``hardware.trigger_latency`` states it. What the card has set differently (a rate or
a range that it rounds) is refused if it differs by more than 1 %. A saturated channel has no reading: not a number is
recorded, as by the simulated sensor.

A card has one clock for all its inputs and reserves them for one task. Sensors at the same card are sampled one after
the other, the later burst the later; a burst that would have to wait for longer than ``hardware.timeout`` ends the run.
A sensor that is read all through a phase needs a card of its own.

``nidaqmx`` is used as it is: the vendor's own, maintained, MIT. It has met a stand-in with its interface, and no
card.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from threading import Lock
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hw_bridge.drivers.driver import Driver
from hw_bridge.drivers.library import LibraryWire
from hw_bridge.drivers.settings import TEXT
from hw_bridge.drivers.wire import Wire, WireError
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.recorder import Block, Label, Schedule
from twin.times import NS

Array = NDArray[np.float64]
SATURATED = 0.999
"""Of the span: what is beyond may be anything."""
MOST = 1 << 22
"""Samples of a burst that are held at a time, of all channels."""
SLACK = 0.01
"""By how much a card may round what it is set to."""
_CARD = re.compile(r"[A-Za-z0-9_\- ]+")
WIRES = {"differential": "DIFF", "single_ended": "RSE", "pseudo_differential": "PSEUDO_DIFF"}


@cache
def _clock(card: str) -> Lock:
    """Held by whom the inputs of a card sample for: it reserves them for one task at a time."""
    return Lock()


class Card(Driver):
    """What is at a card: its library, and its name."""

    def connection(self) -> Wire:
        if not _CARD.fullmatch(self.hardware.resource):
            raise BridgeError(
                f"{self.name}: hardware.resource: expected the name of a card such as Dev1, "
                f"not {self.hardware.resource!r}",
                self.name,
            )
        return LibraryWire(self.hardware.resource, self.hardware.timeout, self._load, lambda module: None)

    def _load(self) -> Any:
        try:
            import nidaqmx
            import nidaqmx.constants
            import nidaqmx.system
        except ImportError:
            raise WireError(f"{self.name} needs nidaqmx: pip install 'kibble-twin[daq]'") from None
        return nidaqmx

    def called(self, wire: Wire, what: Callable[[Any], Any]) -> Any:
        """Call into the library; its errors become ours."""
        assert isinstance(wire, LibraryWire)
        try:
            return what(wire.handle)
        except (BridgeError, ValueError):
            raise
        except Exception as error:  # nidaqmx raises its own, and what ctypes raises
            text = " ".join(str(error).split())
            raise WireError(f"{self.hardware.resource}: {type(error).__name__}: {text}") from None

    def identify(self, wire: Wire) -> str:
        """What the card calls itself."""

        def named(daq: Any) -> str:
            device = daq.system.Device(self.hardware.resource)
            return f"{device.product_type}, serial number {device.serial_num:X}"

        return str(self.called(wire, named))

    def pause(self, seconds: float) -> None:
        """Wait for what is at the card; in the thread of the connection."""
        time.sleep(seconds)


class DaqDriver(Card):
    """What the sensors have in common.

    Attributes
    ----------
    quantities : unit of each quantity that the role reads.
    """

    quantities: ClassVar[Mapping[str, str]]
    takes: ClassVar[Mapping[str, str]]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        known = self.settings
        self.lines = {q: known.text(q) for q in self.quantities}
        self.scales = {q: known.value(f"{q}_scale") for q in self.quantities}
        self.zeros = {q: known.value(f"{q}_zero", 0.0) for q in self.quantities}
        self.span, self.rate = known.value("span", 10.0), known.value("rate", 1000.0)
        self.wires = WIRES[known.choice("wires", *WIRES)]
        if not (self.span > 0 and self.rate > 0 and all(self.scales.values())):
            raise BridgeError(f"{self.name}: span, rate and scales cannot be zero or less", self.name)
        if len(set(self.lines.values())) < len(self.lines):
            raise BridgeError(f"{self.name}: two quantities cannot have the same channel", self.name)
        if len(self.quantities) > 1 and (self.hardware.calibration.gain or self.hardware.calibration.offset):
            raise BridgeError(f"{self.name}: one calibration does not fit several quantities", self.name)

    @property
    def reach(self) -> tuple[float, float, float]:
        first = next(iter(self.quantities))
        ends = sorted(self.scales[first] * (volts - self.zeros[first]) for volts in (-self.span, self.span))
        return ends[0], ends[1], 0.0

    # --- the card ----------------------------------------------------------------------------------------------------

    def set_up(self, wire: Wire) -> str:
        identity = self.identify(wire)
        self.sample(wire, 2)  # every channel, range and rate is there
        return identity

    def sample(self, wire: Wire, samples: int) -> tuple[Array, int]:
        """Volts, shape (quantities, samples), and when the card was told to take them (ns)."""
        found: tuple[Array, int] = self.called(wire, lambda daq: self._sampled(daq, samples))
        return found

    def _sampled(self, daq: Any, samples: int) -> tuple[Array, int]:
        clock = _clock(self.hardware.resource)
        if not clock.acquire(timeout=self.patience):
            raise WireError(
                f"{self.hardware.resource}: another sensor at this card has been read for more than "
                f"{self.patience:g} s; give one of them a card of its own"
            )
        try:
            return self._burst(daq, samples)
        finally:
            clock.release()

    def _burst(self, daq: Any, samples: int) -> tuple[Array, int]:
        constants = daq.constants
        with daq.Task() as task:
            for quantity, line in self.lines.items():
                channel = task.ai_channels.add_ai_voltage_chan(
                    f"{self.hardware.resource}/{line}",
                    terminal_config=constants.TerminalConfiguration[self.wires],
                    min_val=-self.span,
                    max_val=self.span,
                )
                if not channel.ai_max >= (1 - SLACK) * self.span or channel.ai_min > -(1 - SLACK) * self.span:
                    raise BridgeError(f"{self.name}: {quantity}: the card's span is {channel.ai_max:g} V", self.name)
            task.timing.cfg_samp_clk_timing(
                self.rate, sample_mode=constants.AcquisitionType.FINITE, samps_per_chan=max(samples, 2)
            )
            rate = float(task.timing.samp_clk_rate)
            if abs(rate / self.rate - 1.0) > SLACK:
                raise BridgeError(f"{self.name}: the card samples at {rate:g} Hz, not {self.rate:g} Hz", self.name)
            started = self.present()
            task.start()
            timeout = self.patience + max(samples, 2) / self.rate
            read = task.read(number_of_samples_per_channel=max(samples, 2), timeout=timeout)
        values = np.atleast_2d(np.asarray(read, dtype=np.float64))
        if values.shape != (len(self.lines), max(samples, 2)):
            raise WireError(f"{self.hardware.resource}: {samples} samples were asked for, {values.shape} came")
        return values[:, :samples], started

    # --- readings ----------------------------------------------------------------------------------------------------

    def readings(self, schedule: Schedule, instantaneous: bool = False) -> Process:
        """Volts on the schedule, shape (quantities, repeats, count): means over each step, or its first sample; and by
        how much they were later (ns)."""
        each = round(schedule.step / NS * self.rate)
        if each < 1:
            raise BridgeError(f"{self.name}: a step of {schedule.step / NS:g} s is shorter than a sample", self.name)
        if each * schedule.count * len(self.lines) > MOST:
            raise BridgeError(
                f"{self.name}: a burst of {schedule.count} x {schedule.step / NS:g} s has more than {MOST} samples: "
                "lower settings.rate",
                self.name,
            )
        volts, late = np.empty((len(self.lines), schedule.repeats, schedule.count)), 0
        for burst in range(schedule.repeats):
            start = schedule.start + burst * schedule.every
            yield self.clock.until(max(start, self.clock.now))
            sampling = partial(self.sample, samples=each * schedule.count)
            samples, started = yield from self.ask(sampling, each * schedule.count / self.rate)
            late = max(late, started - start)
            parts = samples.reshape(len(self.lines), schedule.count, each)
            saturated = np.any(np.abs(parts) > SATURATED * self.span, axis=2)
            volts[:, burst] = np.where(saturated, np.nan, parts[:, :, 0] if instantaneous else parts.mean(axis=2))
        if self.clock.now < schedule.end:
            yield self.clock.until(schedule.end)
        return volts, late

    def recorded(
        self, read: tuple[Array, int], schedule: Schedule, aperture: int, labels: Mapping[str, Label]
    ) -> list[Block]:
        """A block for each quantity, of volts and by how much they were late."""
        volts, late = read
        blocks = []
        for k, (quantity, unit) in enumerate(self.quantities.items()):
            values = self.scales[quantity] * (volts[k] - self.zeros[quantity])
            blocks.append(self.record(values, schedule, quantity, unit, aperture, labels, late, gaps=True))
        return blocks


def taken(quantities: Mapping[str, str]) -> dict[str, str]:
    """The settings of a sensor with these quantities."""
    scales = {f"{q}_scale": f"{unit}/V" for q, unit in quantities.items()}
    lines, zeros = dict.fromkeys(quantities, TEXT), {f"{q}_zero": "V" for q in quantities}
    return {**lines, **scales, **zeros, "span": "V", "rate": "Hz", "wires": TEXT}


class DaqFluxgate(DaqDriver):
    """A fluxgate, such as a DRV425 with 205 µT/V (Ma2025)."""

    role = "Fluxgate"
    tells = ("field",)
    unit = "T"
    senses = ("field",)
    quantities: ClassVar[Mapping[str, str]] = {"field": "T"}
    takes: ClassVar[Mapping[str, str]] = taken(quantities)

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read the flux density, averaged over each step; returns the block."""
        read = yield from self.readings(schedule)
        return self.recorded(read, schedule, schedule.step, labels)[0]


class DaqPositionDetector(DaqDriver):
    """The position-sensitive detectors of the coil."""

    role = "PositionDetector"
    tells = ("x", "y", "theta_x", "theta_y")
    unit = "m"
    senses = ("x", "y", "theta_x", "theta_y")
    quantities: ClassVar[Mapping[str, str]] = {"x": "m", "y": "m", "theta_x": "rad", "theta_y": "rad"}
    takes: ClassVar[Mapping[str, str]] = taken(quantities)

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read all four, averaged over each step; a block for each."""
        read = yield from self.readings(schedule)
        self.recorded(read, schedule, schedule.step, labels)


class DaqDisplacementSensor(DaqDriver):
    """A capacitive sensor of the beam."""

    role = "DisplacementSensor"
    tells = ("position",)
    unit = "m"
    senses = ("position",)
    quantities: ClassVar[Mapping[str, str]] = {"position": "m"}
    takes: ClassVar[Mapping[str, str]] = taken(quantities)

    def read(self, schedule: Schedule, labels: Mapping[str, Label], *, instantaneous: bool = False) -> Process:
        """Read the displacement, averaged over each step or at its start; returns the block."""
        read = yield from self.readings(schedule, instantaneous)
        return self.recorded(read, schedule, 0 if instantaneous else schedule.step, labels)[0]
