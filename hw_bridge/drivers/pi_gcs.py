"""A PI controller with one axis (GCS 2) as a `MotionStage`.

The controller plans its own motions from rest to rest. It is given the largest velocity and the largest acceleration of
the motion that it is to follow, so that it arrives no later; what does not begin and end at rest, or turns around
without rest, it cannot follow, and it is refused.

A motion to and fro, such as sweeps, is one motion after the other. Each is told with twice the acceleration and begins
later, by half of what that saves, so that there is time to see that it has arrived and to tell the next one, and what
is at constant velocity stays in its middle.

Questions are fenced by ``CSV?``, whose answer has another form than that about an axis, and asked twice. It has met the
emulated controller of `hw_bridge.cores.pi_gcs`, and no real one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from components.flexure import Flexure
from components.motion import glide
from components.mover import Mover
from hw_bridge.drivers.driver import Driver, number, same
from hw_bridge.drivers.wire import Wire, WireError
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.piece import Piece, extremes
from twin.times import NS, to_ns

AXIS, MM = "1", 1e-3
NEAR = 1e-6
"""The controller is on target within this (m)."""
AT_REST = 1e-9
"""Slower than this (m/s) is at rest."""
POLL, POLLS = 0.02, 250
"""Between two looks whether it has arrived (s), and how many."""


class PiAxis(Driver):
    """An axis, whatever it moves; see the module."""

    acts = True
    limited = ("lower", "upper", "velocity")
    enforces = limited
    unit = "m"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        twin = self.model.travel if isinstance(self.model, Mover) else (-math.inf, math.inf)
        low, high = self.hardware.span()
        self._travel = max(low, twin[0]), min(high, twin[1])
        self._position = 0.0

    # --- the language ------------------------------------------------------------------------------------------------

    def fenced(self, wire: Wire, question: str) -> str:
        """An answer about the axis, given twice alike."""
        return same(question, self.once(wire, question), self.once(wire, question))

    def once(self, wire: Wire, question: str) -> str:
        """An answer about the axis, which may be another the next time."""
        answer, fence = wire.query(f"{question} {AXIS}"), wire.query("CSV?")
        name, _, value = answer.partition("=")
        if name != AXIS or not value or fence != "2.0":
            raise WireError(f"{question} was answered by {answer!r}, CSV? by {fence!r}")
        return value

    def on_target(self, wire: Wire) -> bool:
        """Whether it has arrived, and stays there."""
        return all(number(self.once(wire, "ONT?")) == 1 for _ in range(2))

    def faultless(self, wire: Wire) -> None:
        """No error is kept."""
        for _ in range(2):
            code, fence = wire.query("ERR?"), wire.query("CSV?")
            if fence != "2.0" or int(code) != 0:
                raise BridgeError(f"{self.name}: the controller reports error {code}", self.name, self.wire.resource)

    def confirmed(self, wire: Wire, command: str, metres: float, slack: float = 2e-12) -> None:
        """Set a quantity of the axis (m, m/s, m/s²), and read it back."""
        wire.write(f"{command} {AXIS} {metres / MM!r}")
        self.faultless(wire)
        found = number(self.fenced(wire, f"{command}?")) * MM
        if not math.isclose(found, metres, rel_tol=1e-6, abs_tol=slack):
            raise BridgeError(f"{self.name}: {command} left it at {found!r}", self.name, self.wire.resource)

    # --- what it does ------------------------------------------------------------------------------------------------

    def set_up(self, wire: Wire) -> str:
        identity = same("*IDN?", wire.query("*IDN?"), wire.query("*IDN?"))
        self.recognised(identity, "Physik Instrumente", "no PI controller")
        wire.query("ERR?")  # of whoever was here before
        self.faultless(wire)
        low, high = (number(self.fenced(wire, q)) * MM for q in ("TMN?", "TMX?"))
        self._travel = max(self._travel[0], low), min(self._travel[1], high)
        if number(self.fenced(wire, "SVO?")) != 1 or number(self.fenced(wire, "FRF?")) != 1:
            if self.armed:
                raise BridgeError(
                    f"{self.name}: the axis is not referenced with its servo on; a reference move (SVO 1 1, FRF 1) "
                    "goes where nobody may have looked: do it by hand",
                    self.name,
                )
            self.log.append("dry run: the axis is not referenced")
        self._position = number(self.fenced(wire, "POS?")) * MM
        return identity

    def to_safe(self, wire: Wire) -> str:
        wire.write("STP")
        still = any(self.on_target(wire) for _ in range(POLLS))
        wire.query("ERR?")  # 10: it was stopped
        self.faultless(wire)
        first, second = (number(self.fenced(wire, "POS?")) for _ in range(2))
        if not still or abs(first - second) * MM > NEAR:
            raise BridgeError(f"{self.name}: it still moves", self.name, self.wire.resource)
        return f"at rest at {second * MM:.9g} m, read back"

    # --- the role ----------------------------------------------------------------------------------------------------

    @property
    def travel(self) -> tuple[float, float]:
        """Lowest and highest position (m): of the controller, of the twin's stage and of the limits."""
        return self._travel

    @property
    def reach(self) -> tuple[float, float, float]:
        return *self._travel, 0.0

    def commanded(self) -> tuple[float, float]:
        """Position (m) that it was sent to, and velocity (m/s) between motions."""
        return (self._position, 0.0) if self._shadow is None else self._shadow.commanded()

    def reading(self, port: str) -> float:
        """Where it is by its own account (m)."""
        if port != "position":
            raise BridgeError(f"{self.name}: it knows nothing of its {port}", self.name)
        return float(self.call(lambda wire: number(self.fenced(wire, "POS?")))) * MM

    def move(self, laws: Sequence[Piece]) -> Process:
        """Follow a motion from rest to rest; ends when it ends and the stage is on target.

        Raises
        ------
        SafetyError
            If it leaves the travel or is faster than ``limits.velocity``; nothing moves then.
        BridgeError
            If the controller cannot follow it, or does not arrive.
        """
        ways = _ways(laws)
        demands = [self._demands(way) for way in ways]
        end = laws[-1].end
        assert end is not None
        fastest = max(velocity for _, velocity, _ in demands)
        goes = fastest > AT_REST or abs(demands[-1][0] - self._position) > NEAR
        acting = goes and self.may_act(f"move to {demands[-1][0]!r} m at {fastest:.6g} m/s")
        shadow = None if self._shadow is None else self.clock.process(self._shadow.move(laws))
        if acting:
            for way, (target, velocity, acceleration) in zip(ways, demands, strict=True):
                self.may_act(f"move to {target!r} m")  # what forbids it may have come on the way before
                yield from self._go(way, target, velocity, acceleration, hurrying=len(ways) > 1)
        self._position = demands[-1][0]
        yield from self.join(shadow, end)

    def _go(self, way: Sequence[Piece], target: float, velocity: float, acceleration: float, hurrying: bool) -> Process:
        """One way from rest to rest; a hurrying one leaves time before and after it."""
        begin, end = way[0].start, way[-1].end or way[0].start
        if hurrying:
            acceleration *= 2.0
            distance = abs(target - self._position)
            least = distance / velocity + velocity / acceleration if velocity > AT_REST else 0.0
            spare = max((end - begin - to_ns(least)) // 2, 0)
            begin, end = begin + spare, end - spare
        yield self.clock.until(max(begin, self.clock.now))
        yield from self.ask(lambda wire: self.start(wire, target, velocity, acceleration))
        yield self.clock.until(max(end, self.clock.now))
        yield from self._arrive(target)
        self._position = target

    def is_where_it_begins(self) -> None:
        """See that the coil is where the twin's weighing unit begins a run, which is where it weighs.

        Raises
        ------
        BridgeError
            If it is elsewhere.
        """
        if not isinstance(self.model, Flexure):
            return
        here, there = self._position, self.model.weighing_position
        if abs(here - there) > NEAR:
            raise BridgeError(
                f"{self.name}: it is at {here:.9g} m, and a run begins where it weighs, at {there:.9g} m",
                self.name,
                self.wire.resource,
            )

    def take_up(self) -> Process:
        """Go at a quarter of `limits.velocity` to where the run was, if it is elsewhere."""
        if self.armed:
            yield from self.come_to_rest()
            self._position = (yield from self.ask(lambda wire: number(self.fenced(wire, "POS?")))) * MM
        target, here = self.commanded()[0], self._position
        if abs(target - here) > NEAR and self.may_act(f"move to {target!r} m"):
            seconds = self.slowly(target - here)
            self.taken_up = f"moved to {target:.9g} m, where the run had it; it was at {here:.9g} m"
            laws = glide(here, target, self.clock.now, self.clock.now + to_ns(seconds))
            _, velocity, acceleration = self._demands(laws)
            yield from self.ask(lambda wire: self.start(wire, target, velocity, acceleration))
            yield self.clock.wait(seconds)
            yield from self._arrive(target)
            self._position = target

    def slowly(self, distance: float) -> float:
        """For a way (m) at a quarter of `limits.velocity` (s): a glide is twice as fast in its middle."""
        fastest = self.limits.velocity
        assert fastest is not None, "it is armed"
        return max(8.0 * abs(distance) / fastest, 1.0)

    def come_to_rest(self) -> Process:
        """Wait for a motion that an interrupted run has begun: the controller ends it by itself.

        Raises
        ------
        BridgeError
            If it does not.
        """
        for _ in range(POLLS):
            if (yield from self.ask(self.on_target)):
                return
            yield self.clock.wait(POLL)
        raise BridgeError(f"{self.name}: it moves, and does not come to rest", self.name, self.wire.resource)

    def start(self, wire: Wire, target: float, velocity: float, acceleration: float) -> None:
        """Set off."""
        here = number(self.fenced(wire, "POS?")) * MM
        if abs(here - self._position) > 2 * NEAR:
            raise BridgeError(f"{self.name}: it is at {here:.9g} m and not at {self._position:.9g} m", self.name)
        self.confirmed(wire, "VEL", velocity)
        self.confirmed(wire, "ACC", acceleration)
        self.confirmed(wire, "MOV", target)

    def _arrive(self, target: float) -> Process:
        """Wait until it is on target."""
        for _ in range(POLLS):
            on_target = yield from self.ask(self.on_target)
            if on_target:
                break
            yield self.clock.wait(POLL)
        found = (yield from self.ask(lambda wire: number(self.fenced(wire, "POS?")))) * MM
        if not on_target or abs(found - target) > NEAR:
            raise BridgeError(f"{self.name}: it was sent to {target:.9g} m and is at {found:.9g} m", self.name)

    @property
    def _shadow(self) -> Any:
        """The simulated mover, which the simulated parts follow."""
        return self.model if isinstance(self.model, Mover) and self.model._bench is not None else None

    def _demands(self, laws: Sequence[Piece]) -> tuple[float, float, float]:
        """Where a motion leads (m), its largest velocity (m/s) and acceleration (m/s²)."""
        end = laws[-1].end
        if end is None:
            raise BridgeError(f"{self.name}: a motion has to end", self.name)
        speeds = [law.derivative() for law in laws]
        low, high = self._travel
        for law in laws:
            for extreme in extremes(law):
                self.within("position", extreme, low - 1e-12, high + 1e-12, "m")
        backward, forward = (f(extremes(v)[k] for v in speeds) for k, f in enumerate((min, max)))
        fastest = max(abs(backward), abs(forward))
        if self.limits.velocity is not None:
            self.within("velocity", fastest, 0.0, self.limits.velocity, "m/s")
        slow = max(AT_REST, 1e-6 * fastest)
        edges = (speeds[0].values_at(laws[0].start), speeds[-1].values_at(end))
        if any(abs(float(v[0].real)) > slow for v in edges):
            raise BridgeError(f"{self.name}: the controller follows motions from rest to rest only", self.name)
        if backward < -slow and forward > slow:
            raise BridgeError(f"{self.name}: the controller cannot follow a motion that turns around", self.name)
        hardest = max(abs(x) for v in speeds for x in extremes(v.derivative()))
        first, last = (float(p.values_at(t)[0].real) for p, t in ((laws[0], laws[0].start), (laws[-1], end)))
        seconds = (end - laws[0].start) / NS
        last = min(max(last, low), high)  # what rounding leaves beyond the end of a travel is no way
        return last, fastest, max(hardest, 4.0 * abs(last - first) / max(seconds, 1e-3) ** 2)


def _ways(laws: Sequence[Piece]) -> list[list[Piece]]:
    """A motion in parts from rest to rest."""
    ways: list[list[Piece]] = []
    for law in laws:
        if not ways or not _rests(ways[-1][-1]):
            ways = [*ways[:-1], [*(ways[-1] if ways else []), law]]
        else:
            ways.append([law])
    return ways


def _rests(law: Piece) -> bool:
    """Whether a law ends at rest."""
    speed = law.derivative()
    end = law.end or law.start
    return abs(float(speed.values_at(end)[0].real)) <= max(AT_REST, 1e-6 * max(map(abs, extremes(speed))))


class PiGcsDriver(PiAxis):
    """A stage."""

    role = "MotionStage"
