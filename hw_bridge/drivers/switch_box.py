"""A box of relays between sources, meter and windings, as a `SwitchBox`: its commands stand in the scenario file.

::

    hardware:
      driver: generic_switch_box
      resource: TCPIP::192.0.2.13::5025::SOCKET
      interlocks: [{port: current_source.current, below: 1e-6}]
      commands:
        identify: "*IDN?"
        state: "ROUT:CLOS?"                    # what is closed; asked twice after each change
        open: "ROUT:OPEN:ALL"                  # all relays, and what state answers then
        opened: "(@)"
        close +0 0+ 00: "ROUT:CLOS (@101,104)" # main, meter and compensation, each to windings 1 and 2: +, - or 0
        closed +0 0+ 00: "(@101,104)"

A configuration that is not in the table is refused. Relays break before they make: all are opened, that is read back,
then those of the new configuration are closed, and that is read back. An interlock that no current flows is the
scenario's to state; without one it is not armed. In its safe state the box stays as it is, read back: to open a relay
under current would do more harm than to leave it. No real one has been met.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from components.switch_box import Polarity, SwitchBox
from hw_bridge.drivers.generic import Generic
from hw_bridge.drivers.wire import Wire
from hw_bridge.errors import BridgeError, SafetyError

SIGNS = {1: "+", -1: "-", 0: "0"}
_ROW = re.compile(r"(close|closed) ([-+0]{2} [-+0]{2} [-+0]{2})\Z")


class GenericSwitchBox(Generic):
    """See the module."""

    acts = True
    role = "SwitchBox"
    needed: ClassVar[frozenset[str]] = Generic.needed | {"state", "open", "opened"}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        hardware = arguments[1]
        self.known = Generic.known | self.needed | {key for key in hardware.commands if _ROW.match(key)}  # type: ignore[misc]
        super().__init__(*arguments, **options)
        rows = [found for key in self.commands if (found := _ROW.match(key))]
        self.channels = tuple(dict.fromkeys(row[2] for row in rows))
        for row in self.channels:
            if lacking := [f"{word} {row}" for word in ("close", "closed") if f"{word} {row}" not in self.commands]:
                raise BridgeError(f"{self.name}: hardware.commands lacks {', '.join(lacking)}", self.name)
        if not self.channels:
            raise BridgeError(f"{self.name}: hardware.commands has no row such as 'close +0 0+ 00'", self.name)

    def check_limits(self) -> None:
        super().check_limits()
        if self.armed and not self.hardware.interlocks:
            raise SafetyError(
                f"{self.name}: --arm needs hardware.interlocks, that no current flows while relays switch", self.name
            )

    def set_up(self, wire: Wire) -> str:
        identity = super().set_up(wire)
        self.twice(wire, "state")
        return identity

    def to_safe(self, wire: Wire) -> str:
        return f"left at {self.twice(wire, 'state')!r}, read back"

    def connect(self, main: Polarity, meter: Polarity, compensation: Polarity = (0, 0)) -> None:
        """Connect each to windings 1 and 2: 1 forward, −1 reversed, 0 not at all.

        Raises
        ------
        BridgeError
            For a configuration that the scenario does not list, or relays that do not follow.
        """
        row = " ".join("".join(SIGNS.get(factor, "?") for factor in pair) for pair in (main, meter, compensation))
        if row not in self.channels:
            raise BridgeError(
                f"{self.name}: hardware.commands has no 'close {row}'; there are {', '.join(self.channels)}", self.name
            )
        if self.may_act(f"connect {row}"):
            self.call(lambda wire: self._connect(wire, row))
        if isinstance(self.model, SwitchBox) and self.model._bench is not None:
            self.model.connect(main, meter, compensation)

    def _connect(self, wire: Wire, row: str) -> None:
        for command, answer in (("open", "opened"), (f"close {row}", f"closed {row}")):
            wire.write(self.commands[command])
            found = self.twice(wire, "state")
            if found != self.commands[answer]:
                raise BridgeError(
                    f"{self.name}: {self.commands[command]} left it at {found!r}", self.name, self.wire.resource
                )
