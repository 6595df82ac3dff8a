"""The safe state of all instruments: who goes into it first, who leaves it last, and that each has its turn.

The order is that of a laboratory, by role:

1. **Servo**: released, so that the arrest has the load. A loop that is closed over a dead source winds up, trips or
   drops the coil.
2. **CurrentSource**: off, its level at zero. From here on nothing pushes the coil, heats it or flows through a relay.
   At once and not along a ramp, which is one more thing that may fail; what the coil's inductance does then is for the
   source's output and its compliance.
3. **MotionStage**, and a **MassExchanger** next to it: at rest where they stand. What they carry is no longer pushed.
4. **The rest**: relays, which nobody may open under current, and the lock of the coil, which nobody may close on a coil
   that moves, stay as they are. That is read back when nothing changes any more.

Each waits until the one before is done, but no longer than `HEAD_START`: a servo that does not answer keeps a current
on for that time, and not for all attempts to reach it. What it does after that it does beside the others. All are
waited for in the end, and none is left out because another one has failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, wait
from threading import Thread
from typing import NamedTuple

from components.clamp import Clamp
from hw_bridge.drivers.driver import Driver
from hw_bridge.errors import BridgeError

ORDER = ("Servo", "CurrentSource", "MotionStage", "MassExchanger")
"""Roles that go first; all others go together after them."""
HEAD_START = 2.0
"""For how long the next one waits (s)."""


class Found(NamedTuple):
    """What was found of an instrument.

    Parameters
    ----------
    name : of the instrument.
    state : what was read back, or what went wrong.
    verified : whether it is in its safe state.
    """

    name: str
    state: str
    verified: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.state.removeprefix(f'{self.name}: ')}"


def in_order(drivers: Iterable[Driver]) -> list[Driver]:
    """Whoever goes into the safe state first comes first; see the module."""
    return sorted(drivers, key=lambda driver: ORDER.index(driver.role) if driver.role in ORDER else len(ORDER))


def out_of_order(drivers: Iterable[Driver]) -> list[Driver]:
    """Whoever leaves it last comes last: what needs a current needs its source, and what moves must not be locked."""
    return sorted(drivers, key=_late)


def reach(drivers: Iterable[Driver]) -> list[Found]:
    """Bring all of them to their safe state, in that order; from any thread."""
    turns = [(driver.name, _begun(driver)) for driver in in_order(drivers)]
    return [_found(name, turn.exception(), turn) for name, turn in turns]


def _begun(driver: Driver) -> Future[str]:
    """The turn of an instrument, done or so far."""
    turn: Future[str] = Future()

    def take() -> None:
        try:
            turn.set_result(driver.make_safe())
        except BaseException as error:  # whatever it is, the others have their turn
            turn.set_exception(error)

    try:
        Thread(target=take, name=f"safe state of {driver.name}", daemon=True).start()
    except RuntimeError:  # the system has no thread left
        take()
    wait([turn], HEAD_START)
    return turn


def _found(name: str, error: BaseException | None, turn: Future[str]) -> Found:
    if error is None:
        return Found(name, turn.result(), True)
    if isinstance(error, BridgeError):
        return Found(name, str(error), False)
    return Found(name, f"{name}: its safe state could NOT be verified: {type(error).__name__}: {error}", False)


def _late(driver: Driver) -> int:
    if driver.role == "CoilLock":
        return 3 if isinstance(driver.model, Clamp) and driver.model.is_locked else -1
    return {"CurrentSource": 1, "Servo": 2}.get(driver.role, 0)
