"""Hysteresis of the yoke: what of the coil's own flux stays when the current is switched off.

The yoke runs through minor loops of the coil current. A share ρ of the magnetisation follows the current only where
it turns: along a loop between +I and −I it is ρ I, and at zero current ±ρ I stays, as with Rayleigh's law, where an
excursion of the other sign takes off twice its own until it has overtaken what it met. Turning points are sought at the
ends of the laws that the current follows, between which it is taken to be monotone; a drift of the current within a law
is missed with its relative size.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from twin.component import Port
from twin.instrument import Instrument
from twin.parameter import parameter
from twin.signal import Constant, Signal
from twin.times import Times

Array = NDArray[np.float64]


class Kept(NamedTuple):
    """What is kept (A), what it was before the present excursion of the current, and the sign of that."""

    value: float
    before: float
    sign: float

    def after(self, own: float) -> Kept:
        """After the current has gone to a point at which it would keep `own`."""
        sign = float(np.sign(own))
        if sign == 0.0:
            return self
        before = self.before if sign == self.sign else self.value
        if sign > 0:
            return Kept(max(self.value, min(own, before + 2.0 * own)), before, sign)
        return Kept(min(self.value, max(own, before + 2.0 * own)), before, sign)


class Retained(Signal):
    """ρ times the current at its turning points, held until the next; known as far as somebody has asked.

    It jumps only where the current's law changes, so that whoever reads both knows its breakpoints from the current.
    That the current itself depends on it (through the force) is no loop: before a turning point what was kept before
    holds.

    Parameters
    ----------
    name : for messages.
    share : ρ.
    """

    def __init__(self, name: str, share: float) -> None:
        self.name, self.share = name, share
        self.leaves = frozenset({self})
        self._current: Signal = Constant(0.0)
        self._instants, self._kept = [0], [Kept(0.0, 0.0, 0.0)]
        self._known = 0
        self._advancing = False

    def follow(self, current: Signal) -> None:
        """Take the turning points of this current."""
        self._current = current
        for leaf in current.leaves:
            track = getattr(leaf, "track", None)
            if track is not None:
                track.listeners.append(self._forget_from)

    def _evaluate(self, times: Times) -> Array:
        if not times.ns.size:
            return np.empty(times.ns.shape)
        if not self._advancing:
            self._advancing = True
            try:
                self._advance(times.last)
            finally:
                self._advancing = False
        which = np.searchsorted(np.array(self._instants), times.ns, side="right") - 1
        result: Array = np.array([kept.value for kept in self._kept])[which]
        return result

    def _advance(self, instant: int) -> None:
        """Visit the breakpoints up to an instant, but for stretches without current."""
        if instant <= self._known:
            return
        leaves = self._current.leaves - {self}
        points = sorted(set().union(*(leaf.breakpoints(self._known, instant + 1) for leaf in leaves)))
        for point in points:
            if self._current.constant_over(point, instant + 1) == 0.0:
                break
            if self._current.constant_over(point, point + 1) == 0.0:
                continue
            kept = self._kept[-1].after(self.share * float(self._current.at(Times(np.array([point])))[0]))
            if kept != self._kept[-1]:
                self._instants.append(point)
                self._kept.append(kept)
        self._known = instant

    def _forget_from(self, instant: int) -> None:
        keep = max(bisect_left(self._instants, instant), 1)
        del self._instants[keep:], self._kept[keep:]
        self._known = min(self._known, max(instant - 1, 0))

    def forget_before(self, instant: int) -> None:
        """Drop what was kept before `instant` (ns) and has been replaced since."""
        drop = max(bisect_left(self._instants, instant + 1) - 1, 0)
        del self._instants[:drop], self._kept[:drop]

    def breakpoints(self, start: int, end: int) -> set[int]:
        return set()

    def derivative(self) -> Signal:
        """Zero but at the jumps; the mean of a rate over a jump is the difference of its primitive all the same."""
        return Constant(0.0)

    def state(self) -> dict[str, Any]:
        """What is kept, as plain data."""
        return {"instants": self._instants, "kept": [list(kept) for kept in self._kept], "known": self._known}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a checkpoint."""
        self._instants, self._kept = list(state["instants"]), [Kept(*values) for values in state["kept"]]
        self._known = state["known"]

    def __repr__(self) -> str:
        return self.name


class Hysteresis(Instrument):
    """The yoke's remanence, as the current in the coil that would hold it: what is retained less ``ρ I``.

    While the current flows the loop is closed and nothing is in excess; after it has been switched off ρ I stays.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"current": Port("A")}
    outputs: ClassVar[Mapping[str, Port]] = {"remanence": Port("A")}

    share: float = parameter("1", 0.0, neutral=0.0, ge=0, lt=1, description="ρ, of the coil's flux in the yoke")

    _retained: Retained | None = PrivateAttr(default=None)

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.share else frozenset({"current"})

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        if not self.share:
            return {"remanence": Constant(0.0)}
        if self._retained is None:
            self._retained = Retained(f"{self.name}.retained", self.share)
        # In the servo's loop the parts are wired twice: first to the unknown, then to its solution.
        self._retained.follow(inputs["current"])
        return {"remanence": self._retained - self.share * inputs["current"]}

    def forget_before(self, instant: int) -> None:
        super().forget_before(instant)
        if self._retained is not None:
            self._retained.forget_before(instant)

    def state(self) -> dict[str, Any]:
        kept = {} if self._retained is None else {"retained": self._retained.state()}
        return {**super().state(), **kept}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        if self._retained is not None:
            self._retained.restore(state["retained"])
