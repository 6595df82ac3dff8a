"""Sensors with a clock and a memory of their own, whose commands stand in the scenario file.

::

    interferometer:
      hardware:
        driver: sampling_interferometer
        resource: TCPIP::192.0.2.12::5025::SOCKET
        commands:
          identify: "*IDN?"
          configure: "SAMP:COUN {count};TIM {step};AVER {average}"
          configured: "SAMP:COUN?;TIM?;AVER?" # answered by the numbers of configure, in their order
          start: INIT
          fetch: "FETC?"                      # answered by all readings, in SI; asked twice, and has to be alike

``{count}`` readings are taken from ``{step}`` to ``{step}`` (s) at the instrument's own pace; ``{average}`` is 1 for
means over each step and 0 for readings at its start, and may be missing where there are only means. A sensor of several
quantities answers reading by reading. They have met the emulated sensors of `kibble-twin serve`, and no real ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hw_bridge.drivers.driver import number, same
from hw_bridge.drivers.generic import Generic
from hw_bridge.drivers.wire import Wire, WireError
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.recorder import Block, Label, Schedule
from twin.times import NS

Array = NDArray[np.float64]
PLACES = ("count", "step", "average")
_PLACE = re.compile(r"\{(\w+)\}")


class Sampling(Generic):
    """See the module."""

    quantities: ClassVar[Mapping[str, str]]
    """That it reads, with their units."""
    needed = Generic.needed | {"configure", "configured", "start", "fetch"}
    known = Generic.known | needed

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.places = _PLACE.findall(self.commands["configure"])
        if not {"count", "step"} <= set(self.places) <= set(PLACES):
            raise BridgeError(f"{self.name}: hardware.commands.configure needs {{count}} and {{step}}", self.name)
        c = self.hardware.calibration
        if len(self.quantities) > 1 and (c.gain or c.offset):
            raise BridgeError(f"{self.name}: one calibration does not fit several quantities", self.name)

    def readings(self, schedule: Schedule, *, instantaneous: bool = False) -> Process:
        """What it shows on the schedule, shape (quantities, repeats, count), and by how much that was later (ns)."""
        if instantaneous and "average" not in self.places:
            raise BridgeError(f"{self.name}: it reads means alone: its configure has no {{average}}", self.name)
        values, late = np.empty((len(self.quantities), schedule.repeats, schedule.count)), 0
        seconds = schedule.step / NS
        taking = partial(self.burst, count=schedule.count, step=seconds, average=not instantaneous)
        for burst in range(schedule.repeats):
            start = schedule.start + burst * schedule.every
            yield self.clock.until(max(start, self.clock.now))
            shown, begun = yield from self.ask(taking, schedule.count * seconds)
            values[:, burst], late = shown.T, max(late, begun - start)
        if self.clock.now < schedule.end:
            yield self.clock.until(schedule.end)
        return values, late

    def burst(self, wire: Wire, count: int, step: float, average: bool) -> tuple[Array, int]:
        """Readings, shape (count, quantities), told twice alike; and when they began (ns)."""
        wanted = {"count": count, "step": step, "average": int(average)}
        wire.write(_PLACE.sub(lambda place: repr(wanted[place[1]]), self.commands["configure"]))
        found = [number(word) for word in re.split("[,;]", self.twice(wire, "configured"))]
        if not np.allclose(found, [wanted[place] for place in self.places], rtol=1e-6, atol=0.0):
            raise WireError(f"{self.name}: {self.commands['configure']} left it at {found}")
        begun = self.present()
        wire.write(self.commands["start"])
        fetch = self.commands["fetch"]
        text = same(fetch, wire.query(fetch, self.patience + count * step), wire.query(fetch))
        self.fence(wire)
        shown = np.array([number(word) for word in text.split(",")])
        if shown.size != count * len(self.quantities):
            raise WireError(f"{self.name}: {count} readings were asked for, {shown.size} numbers came")
        return shown.reshape(count, -1), begun

    def recorded(self, values: Array, late: int, schedule: Schedule, aperture: int, labels: Mapping[str, Label]) -> Any:
        """A block for each quantity; returns the first."""
        blocks: list[Block] = []
        for shown, (quantity, unit) in zip(values, self.quantities.items(), strict=True):
            blocks.append(self.record(shown, schedule, quantity, unit, aperture, labels, late))
        return blocks[0]


class Instantaneous(Sampling):
    """One that reads at instants too."""

    def read(self, schedule: Schedule, labels: Mapping[str, Label], *, instantaneous: bool = False) -> Process:
        """Read on the schedule, averaged over each step or at its start; returns the block."""
        values, late = yield from self.readings(schedule, instantaneous=instantaneous)
        return self.recorded(values, late, schedule, 0 if instantaneous else schedule.step, labels)


class Averaging(Sampling):
    """One that reads means over each step."""

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read on the schedule; a block for each quantity, of which the first is returned."""
        values, late = yield from self.readings(schedule)
        return self.recorded(values, late, schedule, schedule.step, labels)


class SamplingInterferometer(Instantaneous):
    """Shows the length that it counts, without correction for air."""

    role = "Interferometer"
    unit = "m"
    senses = ("position", "reference")
    quantities: ClassVar[Mapping[str, str]] = {"position": "m"}


class SamplingDisplacementSensor(Instantaneous):
    """A sensor of the beam."""

    role = "DisplacementSensor"
    unit = "m"
    senses = ("position",)
    quantities: ClassVar[Mapping[str, str]] = {"position": "m"}


class SamplingPositionDetector(Averaging):
    """The detectors of how the coil strays."""

    role = "PositionDetector"
    unit = "m"
    senses = ("x", "y", "theta_x", "theta_y")
    quantities: ClassVar[Mapping[str, str]] = {"x": "m", "y": "m", "theta_x": "rad", "theta_y": "rad"}


class SamplingFluxgate(Averaging):
    """A field sensor."""

    role = "Fluxgate"
    unit = "T"
    senses = ("field",)
    quantities: ClassVar[Mapping[str, str]] = {"field": "T"}
