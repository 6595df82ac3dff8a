"""Two sources whose currents add up, as one `CurrentSource`: the coarse one in its steps, the fine one between them.

::

    hardware:
      driver: two_stage_source
      limits: {current: 10 mA, voltage: 10 V}
      stages:
        coarse: {driver: keithley6221, resource: TCPIP::192.0.2.7::1394::SOCKET}
        fine: {driver: keithley6221, resource: TCPIP::192.0.2.8::1394::SOCKET, limits: {current: 2 uA}}

Each stage is a driver of a current source by itself, with its own calibration; limits that it does not state are
those of the whole. **Split**: the coarse stage stays where it is as long as the fine one reaches the current; otherwise
it goes to its step nearest to it, and the fine stage delivers what is missing from what the coarse one *reads back*. So
within the fine range, zero included, nothing but the fine stage moves, and a ramp passes through zero as through any
other current. While both move, the current is off by up to the fine range and never beyond the limit.

Both outputs are switched, read and brought to their safe state each by itself, whatever becomes of the other. It has
met emulated instruments, and no real ones.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from hw_bridge.drivers.driver import Driver
from hw_bridge.drivers.playing import Playing
from hw_bridge.drivers.wire import Pair, Wire
from hw_bridge.errors import BridgeError
from scenarios.schema.hardware import Hardware, Limits
from twin import plugins

STAGES = ("coarse", "fine")


class TwoStageSource(Playing, Driver):
    """See the module."""

    acts = True
    staged = True
    limited = ("current", "voltage")
    enforces = ("current", "voltage", "slew", "force")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.coarse: Playing
        self.fine: Playing
        super().__init__(*arguments, **options)
        self.limit = self.limits.current or self.coarse.limit
        half = 0.5 * self.coarse.step
        if self.fine.limit < half * (1 + 1e-9):
            raise BridgeError(
                f"{self.name}: its fine stage reaches {self.fine.limit:g} A, and half a step of the coarse one is "
                f"{half:g} A: take a finer coarse stage or range, or a larger fine one",
                self.name,
            )
        if self.coarse.limit + self.fine.limit < self.limit:
            raise BridgeError(f"{self.name}: its stages do not reach limits.current of {self.limit:g} A", self.name)
        if self.coarse.wire.resource == self.fine.wire.resource:
            raise BridgeError(f"{self.name}: both stages are at {self.coarse.wire.resource}", self.name)
        self.step = self.fine.step
        self._asked = 0.0
        self._levels = [0.0, 0.0]

    def connection(self) -> Wire:
        """Makes the stages too: they lend their connections."""
        if tuple(sorted(self.hardware.stages)) != STAGES:
            raise BridgeError(f"{self.name}: a source of two stages needs hardware.stages coarse and fine", self.name)
        self.coarse, self.fine = self.stages = (self._stage(STAGES[0]), self._stage(STAGES[1]))
        return Pair(self.coarse.wire, self.fine.wire)

    def _stage(self, which: str) -> Playing:
        """A driver whose words are used; it has neither a twin nor a thread of its own."""
        given = self.hardware.stages[which]
        try:
            kind: Any = plugins.load(plugins.DRIVERS, given.driver)
        except plugins.PluginError as error:
            raise BridgeError(f"{self.name}.{which}: {error}", self.name) from None
        if given.limits.force is not None:
            raise BridgeError(f"{self.name}.{which}: limits.force is of both stages together", self.name)
        of_both = self.limits.model_dump(exclude={"force"})
        own = {key: value for key, value in of_both.items() if key in kind.enforces}
        limits = {**own, **given.limits.model_dump(exclude_none=True)}
        told = given.model_copy(update={"limits": Limits(**limits), "timeout": self.hardware.timeout})
        if not issubclass(kind, Playing) or issubclass(kind, TwoStageSource):
            raise BridgeError(f"{self.name}: {given.driver} is no driver of a current source", self.name)
        if self.limits.voltage is not None and "voltage" not in kind.enforces:
            raise BridgeError(f"{self.name}.{which}: {given.driver} does not enforce limits.voltage", self.name)
        stage: Playing = kind(f"{self.name}.{which}", Hardware(**told.model_dump()), None, self.bench, armed=self.armed)
        return stage

    # --- what it does ------------------------------------------------------------------------------------------------

    def set_up(self, wire: Wire) -> str:
        names = [stage.wire.converse(stage.set_up) for stage in self.stages]
        self._asked, self._levels = 0.0, [0.0, 0.0]
        return " + ".join(names)

    def to_safe(self, wire: Wire) -> str:
        """Both, whatever becomes of one of them."""
        told, failed = [], []
        for which, stage in zip(STAGES, self.stages, strict=True):
            if stage.stranger:
                told.append(f"{which}: {stage.stranger!r} is another instrument: nothing was switched")
                continue
            try:
                told.append(f"{which}: {stage.wire.converse(stage.to_safe)}")
            except BridgeError as error:
                failed.append(f"{which}: {error}")
        if failed:
            raise BridgeError("; ".join(failed), self.name, self.wire.resource)
        self._asked, self._levels = 0.0, [0.0, 0.0]
        return "; ".join(told)

    def send_level(self, wire: Wire, current: float) -> float:
        coarse = self.coarse_for(current)
        if coarse != self._asked:
            if abs(coarse + self._levels[1]) > self.limit:
                self._send_stage(1, 0.0)
            self._send_stage(0, coarse)
            self._asked = coarse
        self._send_stage(1, current - self._levels[0])
        found = self.read_state(wire)[1]
        if not abs(found - current) <= self.rounding(current):
            raise BridgeError(f"{self.name}: set to {current!r} A, its stages read back {found!r} A", self.name)
        return found

    def _send_stage(self, k: int, level: float) -> None:
        """A stage to its level (A), within its own limits and by its own calibration."""
        stage = self.stages[k]
        stage._allowed(level)
        stage.wire.converse(lambda wire: stage.send_level(wire, stage.asked(level)))
        self._levels[k] = stage.true_level(stage.wire.converse(stage.read_state)[1])

    def coarse_for(self, current: float) -> float:
        """What the coarse stage is to be asked for (A), that the whole delivers a current (A); see the module."""
        if abs(current - self._levels[0]) <= self.fine.limit:
            return self._asked
        step, most = self.coarse.step, min(self.limit, self.coarse.limit)
        if not step:
            return math.copysign(min(abs(current), most), current)
        steps = min(round(abs(current) / step), math.floor(most / step * (1 + 1e-9)))
        return math.copysign(float(f"{steps * step:.12g}"), current)

    def rounding(self, current: float) -> float:
        """By how much a level may differ from what it was set to (A): by what the fine stage may."""
        return self.fine.rounding(self.fine.limit) + 1e-12 * abs(current)

    def switch(self, wire: Wire, on: bool) -> None:
        for stage in self.stages:
            stage.wire.converse(partial(stage.switch, on=on))

    def read_state(self, wire: Wire) -> tuple[bool, float]:
        (coarse_on, coarse), (fine_on, fine) = (stage.wire.converse(stage.read_state) for stage in self.stages)
        if coarse_on != fine_on:
            raise BridgeError(f"{self.name}: one of its outputs is on and the other off", self.name)
        return coarse_on, self.coarse.true_level(coarse) + self.fine.true_level(fine)
