"""Exclusive locks on instruments, shared by the ways in that know them (VXI-11, HiSLIP)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from hw_bridge.cores.core import Core
from hw_bridge.gate import Gate
from hw_bridge.served import Instrument
from hw_bridge.transports.listener import Listener


class Locks:
    """Who has which instrument to itself; owners are whatever identifies a link or a session."""

    def __init__(self) -> None:
        self._owners: dict[Core, object] = {}
        self._changed = asyncio.Event()

    def holds(self, core: Core, owner: object) -> bool:
        """Whether this owner has the lock."""
        return self._owners.get(core) is owner

    def free(self, core: Core, owner: object) -> bool:
        """Whether this owner may use the instrument."""
        return self._owners.get(core, owner) is owner

    async def available(self, core: Core, owner: object, seconds: float) -> bool:
        """Wait as long as this until the owner may use the instrument."""
        try:
            async with asyncio.timeout(seconds):
                while not self.free(core, owner):
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def acquire(self, core: Core, owner: object, seconds: float) -> bool:
        """Take the lock, waiting as long as this."""
        if not await self.available(core, owner, seconds):
            return False
        self._owners[core] = owner
        return True

    def release(self, core: Core, owner: object) -> bool:
        """Give the lock back; False if the owner did not have it."""
        if not self.holds(core, owner):
            return False
        del self._owners[core]
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return True


class Locking(Listener):
    """A way in whose clients can have an instrument to themselves.

    Parameters
    ----------
    locks : shared with other ways in; None: it has its own.
    """

    carries_token: ClassVar[bool] = True

    def __init__(
        self, gate: Gate, instruments: Sequence[Instrument], token: str | None = None, locks: Locks | None = None
    ) -> None:
        super().__init__(gate, instruments, token)
        self._locks = Locks() if locks is None else locks
        self._last = 0  # number of a session or link
