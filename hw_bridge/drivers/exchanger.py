"""What drivers of a mass exchanger have in common: the twin's exchanger moves beside the real one."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from components.mass_exchanger import MassExchanger
from hw_bridge.drivers.driver import Driver
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.times import Times, to_ns


class ExchangerDriver(Driver):
    """A `MassExchanger` that is real."""

    role = "MassExchanger"

    def load(self, duration: float) -> Process:
        """Put the mass on the pan within `duration` (s)."""
        return self._transfer("load", duration)

    def unload(self, duration: float) -> Process:
        """Take it off within `duration` (s)."""
        return self._transfer("unload", duration)

    @abstractmethod
    def standing(self) -> Process:
        """Ask where it is; returns ``"loaded"``, ``"unloaded"``, or what else it answers."""

    @abstractmethod
    def may_begin(self, what: str) -> Process:
        """See that nothing forbids to ``"load"`` or ``"unload"``; returns whether it is to act."""

    @abstractmethod
    def carry_out(self, what: str, duration: float, acting: bool) -> Process:
        """Do it, and see that it is done."""

    def take_up(self) -> Process:
        """See that the mass is where the run had it.

        Raises
        ------
        BridgeError
            If it is not; somebody has to look.
        """
        if self.armed and isinstance(self.model, MassExchanger):
            on = float(self.model.timeline("placement").at(Times(np.array([self.clock.now])))[0]) > 0.5
            found, expected = (yield from self.standing()), "loaded" if on else "unloaded"
            if found != expected:
                raise BridgeError(f"{self.name}: it is {found} and the run had it {expected}: put it there", self.name)

    def _transfer(self, what: str, duration: float) -> Process:
        end = self.clock.now + to_ns(duration)
        acting = yield from self.may_begin(what)
        twin = self.model if isinstance(self.model, MassExchanger) and self.model._bench is not None else None
        beside = None if twin is None else self.clock.process(getattr(twin, what)(duration))
        yield from self.carry_out(what, duration, acting)
        yield from self.join(beside, end)
