"""What drivers of a mass exchanger have in common: the twin's exchanger moves beside the real one."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from components.mass_exchanger import MassExchanger
from hw_bridge.drivers.driver import Driver
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.times import Times, to_ns

TAKE_UP = 10.0
"""For moving the mass to where an interrupted run had it (s)."""


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

    def unhurried(self) -> float:
        """How long it is given where nobody has said (s)."""
        return TAKE_UP

    def take_up(self) -> Process:
        """Put the mass where the run had it, if it is at the other place; its interlocks hold.

        Raises
        ------
        BridgeError
            If it is at neither, for somebody to look, or does not get there.
        SafetyError
            If an interlock forbids to move it.
        """
        if not (self.armed and isinstance(self.model, MassExchanger)):
            return
        on = float(self.model.timeline("placement").at(Times(np.array([self.clock.now])))[0]) > 0.5
        found, expected = (yield from self.standing()), "loaded" if on else "unloaded"
        if found not in ("loaded", "unloaded"):
            raise BridgeError(
                f"{self.name}: it is {found}, and the run had it {expected}: look what it carries, and put it there "
                "by hand",
                self.name,
            )
        if found != expected:
            what = "load" if on else "unload"
            acting = yield from self.may_begin(what)
            yield from self.carry_out(what, self.unhurried(), acting)
            self.taken_up = f"{what}ed, as the run had it; it was {found}"

    def _transfer(self, what: str, duration: float) -> Process:
        end = self.clock.now + to_ns(duration)
        acting = yield from self.may_begin(what)
        twin = self.model if isinstance(self.model, MassExchanger) and self.model._bench is not None else None
        beside = None if twin is None else self.clock.process(getattr(twin, what)(duration))
        yield from self.carry_out(what, duration, acting)
        yield from self.join(beside, end)
