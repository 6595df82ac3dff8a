"""A box of relays between sources, meter and windings, as a `SwitchBox`: by lines of text or by digital lines.

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

    hardware:
      driver: daq_switch_box
      resource: Dev1
      interlocks: [{port: current_source.current, below: 1e-6}]
      settings: {lines: "port0/line0:7", readback: "port1/line0:7", settle: 50 ms}
      commands: {open: "00000000", close +0 0+ 00: "00001001"}   # of the lines, the last one first

A configuration that is not in the table is refused. Relays break before they make: all are opened, that is read back,
then those of the new configuration are closed, and that is read back. Digital lines are read back by others, at
auxiliary contacts: what a card drives says nothing of a relay. An interlock that no current flows is the scenario's to
state; without one it is not armed. In its safe state the box stays as it is, read back: to open a relay under current
would do more harm than to leave it. Neither has met hardware.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from components.switch_box import Polarity, SwitchBox
from hw_bridge.drivers.daq import Card
from hw_bridge.drivers.driver import Driver, same
from hw_bridge.drivers.generic import Generic
from hw_bridge.drivers.settings import TEXT
from hw_bridge.drivers.wire import Wire
from hw_bridge.errors import BridgeError, SafetyError
from twin.clock import Process
from twin.times import Times

SIGNS = {1: "+", -1: "-", 0: "0"}
PORTS = ("main", "meter", "compensation")
"""In the order of a configuration."""
_CONFIGURATION = r"[-+0]{2} [-+0]{2} [-+0]{2}"


class Relays(Driver):
    """What both have in common."""

    acts = True
    worded = True
    role = "SwitchBox"
    channels: tuple[str, ...]
    """Configurations that it has."""

    @abstractmethod
    def drive(self, wire: Wire, what: str) -> None:
        """Send ``open`` or ``close`` with a configuration, and read back that it has been done."""

    @abstractmethod
    def state(self, wire: Wire) -> str:
        """What is closed, asked twice."""

    def check_limits(self) -> None:
        super().check_limits()
        if self.armed and not self.hardware.interlocks:
            raise SafetyError(
                f"{self.name}: --arm needs hardware.interlocks, that no current flows while relays switch", self.name
            )

    def to_safe(self, wire: Wire) -> str:
        return f"left at {self.state(wire)!r}, read back"

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

    def take_up(self) -> Process:
        """Connect what the run had connected; sources are still off."""
        if self.armed and isinstance(self.model, SwitchBox):
            now = Times(np.array([self.clock.now]))
            factors = {
                port: [round(float(self.model.timeline(f"{port}_{k}").at(now)[0])) for k in (1, 2)] for port in PORTS
            }
            row = " ".join("".join(SIGNS[factor] for factor in pair) for pair in factors.values())
            if row not in self.channels:
                raise BridgeError(
                    f"{self.name}: the run had it at {row}, which hardware.commands does not list", self.name
                )
            for guard in self.guards:
                guard()
            yield from self.ask(lambda wire: self._connect(wire, row))

    def _connect(self, wire: Wire, row: str) -> None:
        self.drive(wire, "open")
        self.drive(wire, f"close {row}")

    def listed(self, commands: Mapping[str, str]) -> tuple[str, ...]:
        """The configurations of a table; an error if there is none."""
        rows = [found[1] for key in commands if (found := re.match(rf"close ({_CONFIGURATION})\Z", key))]
        if not rows:
            raise BridgeError(f"{self.name}: hardware.commands has no row such as 'close +0 0+ 00'", self.name)
        return tuple(rows)

    def configurations(self) -> list[set[tuple[str, int]]]:
        """Of each configuration that it has: which port is connected to which winding, in either polarity."""
        return [
            {(port, k) for port, pair in zip(PORTS, row.split(), strict=True) for k in (1, 2) if pair[k - 1] != "0"}
            for row in self.channels
        ]

    def left(self, command: str, found: str) -> BridgeError:
        """It does not follow."""
        return BridgeError(f"{self.name}: {command} left it at {found!r}", self.name, self.wire.resource)


class GenericSwitchBox(Relays, Generic):
    """A box that is told by lines of text."""

    needed: ClassVar[frozenset[str]] = Generic.needed | {"state", "open", "opened"}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        rows = re.compile(rf"closed? {_CONFIGURATION}\Z")
        self.known = Generic.known | self.needed | {key for key in arguments[1].commands if rows.match(key)}
        super().__init__(*arguments, **options)
        self.channels = self.listed(self.commands)
        if missing := [f"closed {row}" for row in self.channels if f"closed {row}" not in self.commands]:
            raise BridgeError(f"{self.name}: hardware.commands lacks {', '.join(missing)}", self.name)

    def set_up(self, wire: Wire) -> str:
        identity = super().set_up(wire)
        self.state(wire)
        return identity

    def state(self, wire: Wire) -> str:
        return self.twice(wire, "state")

    def drive(self, wire: Wire, what: str) -> None:
        wire.write(self.commands[what])
        found = self.state(wire)
        if found != self.commands[re.sub("^open", "opened", re.sub("^close", "closed", what))]:
            raise self.left(self.commands[what], found)


class DaqSwitchBox(Relays, Card):
    """A box at the digital lines of a card."""

    takes: ClassVar[Mapping[str, str]] = {"lines": TEXT, "readback": TEXT, "settle": "s"}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lines, self.readback = self.settings.text("lines"), self.settings.text("readback")
        self.settle = self.settings.value("settle", 0.05)
        if self.settle < 0.0:
            raise BridgeError(f"{self.name}: hardware.settings.settle cannot be less than zero", self.name)
        commands = self.hardware.commands
        self.channels = self.listed(commands)
        self.words = {
            key: commands[key] for key in ("open", *(f"close {row}" for row in self.channels)) if key in commands
        }
        if unknown := sorted(set(commands) - set(self.words)):
            raise BridgeError(f"{self.name}: hardware.commands has the unknown {', '.join(unknown)}", self.name)
        if "open" not in self.words:
            raise BridgeError(f"{self.name}: hardware.commands lacks open", self.name)
        width = len(self.words["open"])
        if not all(re.fullmatch(r"[01]{1,32}", word) and len(word) == width for word in self.words.values()):
            raise BridgeError(
                f"{self.name}: hardware.commands: expected words of 0 and 1, all alike in length", self.name
            )

    def set_up(self, wire: Wire) -> str:
        identity = self.identify(wire)
        self.state(wire)
        return identity

    def state(self, wire: Wire) -> str:
        width = len(self.words["open"])
        first, second = (f"{self.called(wire, self._input):0{width}b}" for _ in range(2))
        return same(self.readback, first, second)

    def drive(self, wire: Wire, what: str) -> None:
        self.called(wire, lambda daq: self._output(daq, int(self.words[what], 2)))
        self.pause(self.settle)
        found = self.state(wire)
        if found != self.words[what]:
            raise self.left(what, found)

    def _input(self, daq: Any) -> int:
        with daq.Task() as task:
            task.di_channels.add_di_chan(f"{self.hardware.resource}/{self.readback}", line_grouping=self._group(daq))
            return int(task.read())

    def _output(self, daq: Any, word: int) -> None:
        with daq.Task() as task:
            task.do_channels.add_do_chan(f"{self.hardware.resource}/{self.lines}", line_grouping=self._group(daq))
            task.write(word, auto_start=True)

    @staticmethod
    def _group(daq: Any) -> Any:
        return daq.constants.LineGrouping.CHAN_FOR_ALL_LINES
