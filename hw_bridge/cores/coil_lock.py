"""The lock of the coil: ``LOCK ON`` and ``LOCK OFF``; ``LOCK?`` is answered by ``1`` from when it begins to close until
it has opened. No particular instrument: a valve or a motor at a digital output."""

from __future__ import annotations

from typing import ClassVar

from components.clamp import Clamp
from hw_bridge.cores.scpi import ScpiCore, ScpiError, header, switch
from twin.clock import Clock, Process
from twin.errors import SimulationError

ACTING = 0.1
"""Of the lock (s)."""


class CoilLock(ScpiCore):
    """See the module."""

    model: ClassVar[str] = "coil lock"
    identity = "KIBBLE-TWIN,COIL LOCK,0,1.0"

    def __init__(self, name: str, clock: Clock, clamp: Clamp) -> None:
        super().__init__(name, clock)
        self.clamp = clamp

    def reset(self) -> None:
        """It stays as it is."""

    @header(":LOCK[:STATe]")
    def lock(self, state: str) -> Process:
        """A coil that moves is not locked: a settings conflict."""
        operation = self.clamp.lock(ACTING) if switch(state) else self.clamp.unlock(ACTING)
        try:
            yield from operation
        except SimulationError:
            raise ScpiError(-221) from None

    @header(":LOCK[:STATe]?")
    def lock_query(self) -> str:
        return str(int(self.clamp.is_locked))
