"""A scanner in front of a meter with one input: it puts the input, the reference or a short there.

Its words stand in the ``commands`` of the meter, with its own resource::

    commands:
      scanner: TCPIP::192.0.2.10::5025::SOCKET
      state: "ROUT:CLOS?"                # what is closed; asked twice after each change
      select_input: "ROUT:CLOS (@101)"   # one to select each channel that there is, and what state answers then
      selected_input: "(@101)"
      select_reference: "ROUT:CLOS (@102)"
      selected_reference: "(@102)"

No real scanner has been met.
"""

from __future__ import annotations

from collections.abc import Mapping

from hw_bridge.drivers.wire import Wire, WireError, wire
from hw_bridge.errors import BridgeError
from scenarios.schema.hardware import SerialLine

CHANNELS = ("input", "reference", "short", "reversed")


class Scanner:
    """See the module.

    Parameters
    ----------
    name : of the meter.
    commands : of the meter; without ``scanner`` there is the input alone.
    patience : how long to wait for an answer (s).
    line : of its own serial line, if it has one, as of the meter's.

    Raises
    ------
    BridgeError
        For words that are missing or unknown.
    """

    def __init__(self, name: str, commands: Mapping[str, str], patience: float, line: SerialLine | None = None) -> None:
        self._name, self._commands = name, commands
        self.wire = wire(commands["scanner"], patience, line) if "scanner" in commands else None
        selects = {f"select_{c}" for c in CHANNELS} | {f"selected_{c}" for c in CHANNELS}
        known = {"scanner", "state", *selects} if self.wire else set()
        if unknown := sorted(set(commands) - known):
            raise BridgeError(f"{name}: hardware.commands has the unknown {', '.join(unknown)}", name)
        self.channels = tuple(c for c in CHANNELS if f"select_{c}" in commands) if self.wire else CHANNELS[:1]
        needed = {"state", *(f"selected_{c}" for c in self.channels), "select_input"} if self.wire else set()
        if missing := sorted(needed - set(commands)):
            raise BridgeError(f"{name}: hardware.commands lacks {', '.join(missing)}", name)

    def check(self, channel: str) -> None:
        """Refuse a channel that there is not.

        Raises
        ------
        BridgeError
            Saying what it takes.
        """
        if channel not in self.channels:
            raise BridgeError(f"{self._name}: a meter with one input; for {channel!r} it needs a scanner", self._name)

    def select(self, channel: str) -> None:
        """Put a channel there, and read back that it is; in the thread of the meter."""
        if self.wire is not None:
            self.wire.converse(lambda wire: self._select(wire, channel))

    def _select(self, wire: Wire, channel: str) -> None:
        wire.write(self._commands[f"select_{channel}"])
        for _ in range(2):
            found, expected = wire.query(self._commands["state"]), self._commands[f"selected_{channel}"]
            if found != expected:
                raise WireError(f"{self._name}: its scanner answers {found!r}, and {expected!r} was expected")

    def close(self) -> None:
        """Let go of it."""
        if self.wire is not None:
            self.wire.close()
