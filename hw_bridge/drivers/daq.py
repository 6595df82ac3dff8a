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
detector and ``position`` (m) of a displacement sensor.

All sensors at a card are sampled by one task (`hw_bridge.drivers.acquisition`), by the card's own clock and at the
highest of their rates: a reading is the mean of all samples in its step, so that more of them make it no other
quantity; one at an instant is the first sample of its step. So any number of sensors may be read at the same time, also
one all through a phase. A channel that two of them read has one span and one wiring. Channels of a card with one
converter follow one another at its convert clock, within a sample. Modules of one chassis have one clock for their
inputs: NI-DAQmx refuses a second task, and says so.

``late_s`` of a block says by how much later than it was to be its first sample was taken: by less than a sample if the
task runs already, and otherwise by what software takes to start it. What the card takes from there to its first sample
no data sheet tells: ``commission`` measures it against other channels, and ``hardware.trigger_latency`` states it. What
the card has set differently (a rate or a range that it rounds) is refused if it differs by more than 1 %. A saturated
channel has no reading: not a number is recorded, as by the simulated sensor. Samples that are lost, and a card that is
pulled out, end the run.

``nidaqmx`` is used as it is: the vendor's own, maintained, MIT. It has met a stand-in with its interface and its
errors, and no card.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hw_bridge.drivers.acquisition import acquisition, host_time
from hw_bridge.drivers.card_stream import Column, Reader
from hw_bridge.drivers.driver import Driver
from hw_bridge.drivers.library import LibraryWire
from hw_bridge.drivers.settings import TEXT
from hw_bridge.drivers.steps import Edges, firsts_of, means_of
from hw_bridge.drivers.wire import Wire, WireError
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.recorder import Block, Label, Schedule
from twin.times import NS

Array = NDArray[np.float64]
SATURATED = 0.999
"""Of the span: what is beyond may be anything."""
MOST = 1 << 22
"""Samples of a burst that are held at a time, of all channels at the card."""
_CARD = re.compile(r"[A-Za-z0-9_\- ]+")
HINTS = {
    -200279: "samples were lost, as the computer did not fetch them in time: lower settings.rate",
    -200284: "no samples in time: is its clock running?",
    -50103: "another program, or another module of its chassis, has the inputs of the card",
    -201003: "the card was unplugged, or has no power",
}
"""What errors of the library mean here."""
WIRES = {"differential": "DIFF", "single_ended": "RSE", "pseudo_differential": "PSEUDO_DIFF"}


class Card(Driver):
    """What is at a card: its library, and its name."""

    def connection(self) -> Wire:
        if not _CARD.fullmatch(self.hardware.resource):
            raise BridgeError(
                f"{self.name}: hardware.resource: expected the name of a card such as Dev1, "
                f"not {self.hardware.resource!r}",
                self.name,
            )
        return LibraryWire(self.hardware.resource, self.hardware.timeout, self.load, self.unload)

    def load(self) -> Any:
        """The library; a sensor is at its card from then on."""
        return self._library()

    def unload(self, daq: Any) -> None:
        """It is there no more."""

    def _library(self) -> Any:
        try:
            import nidaqmx
            import nidaqmx.constants
            import nidaqmx.stream_readers
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
            hint = HINTS.get(getattr(error, "error_code", 0))
            means = f" ({hint})" if hint else ""
            raise WireError(f"{self.hardware.resource}: {type(error).__name__}: {text}{means}") from None

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
        self.lines = {q: known.text(q).lower() for q in self.quantities}
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
        columns = tuple(Column(line, self.wires, self.span) for line in self.lines.values())
        self.reader = Reader(self.name, columns, self.rate, self.hardware.timing)
        self.card = acquisition(self.hardware.resource)

    @property
    def reach(self) -> tuple[float, float, float]:
        first = next(iter(self.quantities))
        ends = sorted(self.scales[first] * (volts - self.zeros[first]) for volts in (-self.span, self.span))
        return ends[0], ends[1], 0.0

    # --- the card ----------------------------------------------------------------------------------------------------

    def load(self) -> Any:
        daq = super().load()
        self.card.enter(self.reader)
        return daq

    def unload(self, daq: Any) -> None:
        self.card.leave(self.reader, 0.5 * self.patience)

    def set_up(self, wire: Wire) -> str:
        identity = self.identify(wire)
        self.burst(wire, self.present(), math.ceil(NS / self.rate), 1)  # every channel, range and rate is there
        return identity

    def burst(self, wire: Wire, start: int, step: int, count: int) -> tuple[Array, Edges, int]:
        """Volts, shape (quantities, samples), where each step begins and the last one ends, and by how much later than
        `start` the first was taken (ns)."""
        due = host_time() - (self.present() - start)
        taken = self.called(wire, lambda daq: self.card.take(daq, self.reader, due, step, count, self.patience))
        return taken.samples, taken.edges, taken.begun - due

    # --- readings ----------------------------------------------------------------------------------------------------

    def readings(self, schedule: Schedule, instantaneous: bool = False) -> Process:
        """Volts on the schedule, shape (quantities, repeats, count): means over each step, or its first sample; and by
        how much they were later (ns)."""
        seconds = schedule.count * schedule.step / NS
        if seconds * max(self.rate * len(self.lines), self.card.flow) > MOST:
            raise BridgeError(
                f"{self.name}: a burst of {schedule.count} x {schedule.step / NS:g} s has more than {MOST} samples "
                "of all channels at the card: lower settings.rate",
                self.name,
            )
        volts, late = np.empty((len(self.lines), schedule.repeats, schedule.count)), 0
        of_each = firsts_of if instantaneous else means_of
        for burst in range(schedule.repeats):
            start = schedule.start + burst * schedule.every
            yield self.clock.until(max(start, self.clock.now))
            taking = partial(self.burst, start=start, step=schedule.step, count=schedule.count)
            samples, edges, later = yield from self.ask(taking, seconds)
            volts[:, burst] = of_each(samples, edges, SATURATED * self.span)
            late = max(late, later)
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
