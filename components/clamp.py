"""The clamp: holds a coil that does not move, in the place of a weighing unit or beside one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from twin.clock import Process
from twin.component import Port
from twin.errors import SimulationError
from twin.implicit import Unknown
from twin.instrument import Instrument
from twin.parameter import parameter
from twin.piece import constant
from twin.signal import Constant, Signal
from twin.times import NS, Times, to_ns

LOOK = NS // 1000
"""How long it looks whether the coil moves (ns)."""
AT_REST = 1e-6
"""Slower than this is at rest (m/s): the ground shakes."""


class Clamp(Instrument):
    """Fixes the coil in the gap, as Liu2025 does for the thermal experiment: ``position`` is where it is.

    Beside a weighing unit (``balances/coil_lock``) it is the lock of a coil that this carries: `locked` is wired to the
    flexure, which then does not move, and the flexure's position to `coil`, as what moves is not locked.

    ``locked`` is 1 from when it begins to close until it has opened, for an interlock of what must not move meanwhile:
    ``interlocks: [{port: clamp.locked, below: 0.5}]`` on a stage. Without a weighing unit an unlocked coil stays where
    it is.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"coil": Port("m", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"position": Port("m"), "locked": Port("1")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {"locked": frozenset()}

    position: float = parameter("m", 0.0, description="z of the coil; 0 is the symmetry plane")
    closed: bool = Field(True, description="whether it holds the coil when a run begins")

    _coil: Signal | None = PrivateAttr(default=None)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._coil = None if isinstance(inputs["coil"], Unknown) else inputs["coil"]
        return {"position": Constant(self.position), "locked": self.timeline("locked", float(self.closed))}

    @property
    def is_locked(self) -> bool:
        """Whether it holds the coil, or has begun to, or has not yet let go."""
        return float(self.timeline("locked", float(self.closed)).at(Times(np.array([self.clock.now])))[0]) > 0.5

    def lock(self, duration: float) -> Process:
        """Hold the coil within `duration` (s).

        Raises
        ------
        SimulationError
            If the coil moves.
        """
        now = self.clock.now
        if self._coil is not None and now > LOOK:
            before, here = self._coil.at(Times(np.array([now - LOOK, now])))
            if abs(here - before) > AT_REST * LOOK / NS:
                raise SimulationError(f"{self.name}: the coil moves: stop it before it is locked")
        self.timeline("locked", float(self.closed)).follow(constant(1.0, now))
        yield self.clock.until(now + to_ns(duration))

    def unlock(self, duration: float) -> Process:
        """Let the coil go within `duration` (s)."""
        end = self.clock.now + to_ns(duration)
        yield self.clock.until(end)
        self.timeline("locked", float(self.closed)).follow(constant(0.0, end))

    def scaled(self, factor: float) -> Clamp:
        return self.model_copy(update={"position": self.position * factor})
