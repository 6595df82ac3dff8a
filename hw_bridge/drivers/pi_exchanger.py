"""The motor of a mass exchanger at a PI controller (GCS 2), as a `MassExchanger`.

::

    hardware:
      driver: pi_exchanger
      resource: TCPIP::192.0.2.9::50000::SOCKET
      limits: {lower: -1 mm, upper: 12 mm, velocity: 2 mm/s}
      interlocks: [{port: current_source.current, below: 10e-6}]
      settings: {loaded: 0 mm, unloaded: 10 mm, tolerance: 20 um}

It goes from rest to rest between the two positions, within the time that it is given, and is looked at before and
after: away from both by more than the tolerance it does not set off, and where it does not arrive the run ends. Its
safe state is at rest where it stands, read back. What it carries nobody asks: whether the mass is on the pan shows in
the weighing. It has met the emulated controller of `hw_bridge.cores.pi_gcs`, and no real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from components.motion import glide
from hw_bridge.drivers.driver import number
from hw_bridge.drivers.exchanger import ExchangerDriver
from hw_bridge.drivers.pi_gcs import MM, PiAxis
from hw_bridge.drivers.wire import Wire
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.times import to_ns


class PiExchanger(ExchangerDriver, PiAxis):
    """See the module."""

    takes: ClassVar[Mapping[str, str]] = {"loaded": "m", "unloaded": "m", "tolerance": "m"}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.places = {word: self.settings.value(word) for word in ("loaded", "unloaded")}
        self.tolerance = self.settings.value("tolerance", 20e-6)
        if not abs(self.places["loaded"] - self.places["unloaded"]) > 2 * self.tolerance > 0:
            raise BridgeError(f"{self.name}: settings.loaded and unloaded are the same place", self.name)
        for place in self.places.values():
            self.within("position", place, *self._travel, "m")

    @property
    def _shadow(self) -> None:
        """The twin's exchanger is told by itself, and not by the way of its motor."""

    def place(self) -> str:
        """Where it stands by its own account: ``"loaded"``, ``"unloaded"`` or, in between, an error."""
        return self._named_place(float(self.call(self._here)))

    def _here(self, wire: Wire) -> float:
        return number(self.fenced(wire, "POS?")) * MM

    def _named_place(self, here: float) -> str:
        for word, there in self.places.items():
            if abs(here - there) <= self.tolerance:
                return word
        raise BridgeError(
            f"{self.name}: it stands at {here:.6g} m, neither loaded nor unloaded: look, and move it by hand",
            self.name,
            self.wire.resource,
        )

    def unhurried(self) -> float:
        return self.slowly(self.places["loaded"] - self.places["unloaded"])

    def standing(self) -> Process:
        """By the controller's position, at rest."""
        yield from self.come_to_rest()
        self._position = yield from self.ask(self._here)
        return self._named_place(self._position)

    def may_begin(self, what: str) -> Process:
        """See where it stands, and ask the guards."""
        if self.armed:
            yield from self.standing()
        for guard in self.guards:  # before the twin's moves
            guard()
        return self.armed

    def carry_out(self, what: str, duration: float, acting: bool) -> Process:
        """Go from rest to rest in `duration` (s); dry runs check the way."""
        target, now = self.places[f"{what}ed"], self.clock.now
        if self._position != target:
            yield from self.move(glide(self._position, target, now, now + to_ns(duration)))
        if acting and self._named_place((yield from self.ask(self._here))) != f"{what}ed":
            raise BridgeError(f"{self.name}: {what} left it at the other place", self.name, self.wire.resource)
