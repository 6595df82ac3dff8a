"""A scanner before a voltmeter: relays that put one of four pairs of wires at its terminals.

No particular instrument: ``ROUTe:CLOSe (@101)`` closes a channel and opens the one before, ``ROUTe:OPEN:ALL`` opens
all, ``ROUTe:CLOSe?`` tells what is closed. With all open the meter has a short, as a guarded scanner leaves it.
"""

from __future__ import annotations

from typing import ClassVar

from hw_bridge.cores.hp3458a import Hp3458A
from hw_bridge.cores.scpi import ScpiCore, ScpiError, header
from twin.clock import Clock, Process

CHANNELS = {"(@101)": "input", "(@102)": "reference", "(@103)": "short", "(@104)": "reversed"}
SETTLING = 5e-3
"""Of the relays (s)."""


class Scanner(ScpiCore):
    """See the module.

    Parameters
    ----------
    meter : whose terminals it switches.
    """

    model: ClassVar[str] = "scanner"
    identity = "KIBBLE-TWIN,SCANNER,0,1.0"

    def __init__(self, name: str, clock: Clock, meter: Hp3458A) -> None:
        super().__init__(name, clock)
        self._meter, self._closed = meter, "(@)"
        self.close_channel("(@101)")

    def reset(self) -> None:
        self.close_channel("(@101)")

    @header(":ROUTe:CLOSe")
    def close_relay(self, channel: str) -> Process:
        """Break before make, with the time that relays take."""
        self.close_channel(channel.replace(" ", ""))
        yield self.clock.wait(SETTLING)

    def close_channel(self, channel: str) -> None:
        """Put a channel at the terminals."""
        if channel not in CHANNELS:
            raise ScpiError(-222)
        self._closed = channel
        self._meter.terminals = {} if channel == "(@101)" else {"channel": CHANNELS[channel]}

    @property
    def selected(self) -> str:
        """What is at the terminals."""
        return CHANNELS.get(self._closed, "short")

    @header(":ROUTe:CLOSe?")
    def closed(self) -> str:
        return self._closed

    @header(":ROUTe:OPEN:ALL")
    def open_relays(self) -> Process:
        """All of them."""
        self._closed, self._meter.terminals = "(@)", {"channel": "short"}
        yield self.clock.wait(SETTLING)
