"""A served twin without sockets: clients are sessions, and time passes only while one of them waits."""

from __future__ import annotations

from functools import cache
from typing import Any

import scenarios
from hw_bridge.cores.core import Core
from hw_bridge.served import ServedTwin
from hw_bridge.session import Chunk, Session
from scenarios.run.experiment import Experiment
from twin.real_time import RealTimeClock
from twin.times import NS

SCENARIO = "kbmini_tmtp"
LUMPED: dict[str, Any] = {
    "balance.thermal_mass.geometry": None,
    "balance.thermal_mass.capacities": {"coil": 30.0, "magnet": 5000.0},
    "balance.thermal_mass.links": [{"between": ["coil", "magnet"], "conductance": 0.05}],
    "balance.thermal_mass.film_areas": {"magnet": 0.1},
    "balance.thermal_mass.magnet": ["magnet"],
}
"""Heat of two nodes, so that no test waits for finite volumes."""


@cache
def lumped() -> Experiment:
    """KBmini with heat of two nodes; a scenario is never changed, so that one will do."""
    return scenarios.load(SCENARIO).with_(LUMPED)


class Station:
    """The instruments of KBmini, on a stepped clock or on another."""

    def __init__(self, scale: float | None = None, **overrides: Any) -> None:
        paths = {key.replace("__", "."): value for key, value in overrides.items()}
        loaded = lumped()
        self.scenario = (loaded.with_(paths) if paths else loaded).scenario
        self.clock = RealTimeClock(scale)
        self.served = ServedTwin(self.scenario, self.clock)

    def core(self, name: str) -> Any:
        """The core of an instrument."""
        return next(i.core for i in self.served.instruments if i.core.name == name)

    def client(self, name: str) -> Client:
        """A client of an instrument."""
        return Client(self, self.core(name))

    def wait(self, seconds: float) -> None:
        """Let time pass."""

        def waiting() -> Any:
            yield self.clock.wait(seconds)

        self.clock.run(waiting())


class Client:
    """A session on a message-based way in, with the manners of a controller."""

    def __init__(self, station: Station, core: Core) -> None:
        self.station, self.core = station, core
        self.session: Session = core.open()

    def write(self, text: str | bytes) -> None:
        """Send a message with END, and wait until it has been dealt with."""
        data = text if isinstance(text, bytes) else text.encode("ascii")
        self.station.clock.run(self.session.accept(data, True))

    def read(self, size: int = 1 << 20, patience: float = 10.0, stop: int | None = 10) -> bytes:
        """Read up to END, `size` bytes or the byte `stop`."""
        chunk: Chunk = self.station.clock.run(self.session.read(size, round(patience * NS), stop))
        return chunk.data

    def query(self, text: str) -> str:
        """Send a message and read a line."""
        self.write(text)
        return self.read().decode("ascii").rstrip("\r\n")

    def status(self) -> int:
        """Serial poll."""
        return self.core.status_byte(self.session)
