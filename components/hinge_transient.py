"""Any motion of a driven oscillator, integrated once into closed forms, with contacts at the stops as events.

A stretch of time is solved at once: the acceleration at n Chebyshev nodes is what the equation of motion gives for the
displacement that follows from it by integration (Newton's method). Its integrals are Chebyshev series and so closed
forms of the same accuracy between the nodes as at them. A stretch whose series does not end in rounding is halved.

At a stop the coil comes back with the share `restitution` of its speed, or rests there for as long as it is pushed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.oscillator import Oscillator
from twin import chebyshev
from twin.errors import SimulationError
from twin.piece import Piece, constant
from twin.times import NS, Times

Array = NDArray[Any]
NODES = 32
RESOLVED = 3e-14
"""Relative size of the last coefficients of an acceleration that is resolved."""
ITERATIONS = 12
SHORTEST = 1000
"""No stretch is shorter (ns)."""
AT_REST = 1e-9
"""Speed (m/s) below which a coil that a stop throws back stays there."""


@dataclass(frozen=True)
class Contact:
    """The coil touches a stop.

    Parameters
    ----------
    time : s. position : of the stop (m). velocity : with which the coil arrives (m/s).
    """

    time: float
    position: float
    velocity: float


@dataclass(frozen=True, eq=False)
class State:
    """Where the oscillator is: displacement (m), velocity (m/s), relaxations x_i (m), states of the coil's circuit."""

    z: float
    v: float
    relaxed: Array = field(default_factory=lambda: np.zeros(0))
    circuit: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, eq=False)
class Course:
    """A motion: closed forms of the displacement, contacts on the way, and the state at its end (ns)."""

    pieces: list[Piece]
    contacts: list[Contact]
    state: State
    end: int


def transient(
    oscillator: Oscillator,
    current: Piece,
    state: State,
    start: int,
    end: int,
    stops: tuple[float, float] = (-math.inf, math.inf),
    until: Callable[[int, State], bool] | None = None,
) -> Course:
    """Integrate the motion.

    Parameters
    ----------
    current : of the actuator (A), valid from `start` to `end` (ns).
    state : at `start`; without relaxations those of the oscillator start at its displacement, without states of the
        circuit no current flows.
    stops : lowest and highest displacement (m).
    until : told instant (ns) and state after each stretch without contact; True ends the integration there.

    Raises
    ------
    SimulationError
        If no stretch is short enough for the motion.
    """
    relax = oscillator.relaxations()
    if len(state.relaxed) != len(relax.rates):
        state = replace(state, relaxed=np.full(len(relax.rates), state.z))
    if len(state.circuit) != oscillator.back_action.size:
        state = replace(state, circuit=np.zeros(oscillator.back_action.size))
    fastest = max([abs(t.rate.imag) / (2 * math.pi) for t in current.terms] + [oscillator.natural_frequency])
    longest = stretch = math.ceil(NS / fastest)
    pieces: list[Piece] = []
    contacts: list[Contact] = []
    now = start
    while now < end:
        if _pushed(oscillator, current, state, now, stops):
            piece, state = _resting(oscillator, current, state, now, min(now + longest, end))
            pieces.append(piece)
            now = _end(piece)
            continue
        solved = _solved(oscillator, current, state, now, min(now + stretch, end))
        if solved is None:
            stretch //= 2
            if stretch < SHORTEST:
                raise SimulationError(f"the motion of the hinge is not resolved at t = {now / NS} s; drive it less")
            continue
        hit = _first_hit(solved, stops)
        if hit is None:
            pieces.append(solved.piece)
            state, now = solved.state_at(1.0), _end(solved.piece)
            stretch = min(2 * stretch, longest)
            if until is not None and until(now, state):
                break
            continue
        instant, stop = hit
        arrives = solved.state_at(2.0 * (instant - now) / solved.piece.length - 1.0)
        if instant > now:
            pieces.append(solved.piece.cut(instant))
        contacts.append(Contact(instant / NS, stop, arrives.v))
        away = -oscillator.restitution * arrives.v
        state, now = replace(arrives, z=stop, v=away if abs(away) > AT_REST else 0.0), instant
    return Course(pieces, contacts, state, now)


def _end(piece: Piece) -> int:
    assert piece.end is not None
    return piece.end


@dataclass(frozen=True, eq=False)
class _Stretch:
    """A solved stretch: displacement as a piece; series of velocity, of relaxations and circuit (n, k) each."""

    piece: Piece
    velocity: Array
    relaxed: Array
    circuit: Array

    def state_at(self, u: float) -> State:
        at = np.array([u])
        z, v = (float(chebyshev.evaluate(s, at)[0]) for s in (self.piece.series[:, 0], self.velocity))
        relaxed, circuit = (np.asarray(np.polynomial.chebyshev.chebval(u, s)) for s in (self.relaxed, self.circuit))
        return State(z, v, relaxed, circuit)


@lru_cache(maxsize=4)
def _integrals(n: int) -> tuple[Array, Array]:
    """Values at the nodes of the first and the second integral from −1, from values of the integrand (n, n) each."""
    first = chebyshev.integration(n) @ chebyshev.interpolation(n)
    second = chebyshev.integration(n + 1) @ first
    return chebyshev.vandermonde(n, n) @ first, chebyshev.vandermonde(n, n + 1) @ second


def _solved(oscillator: Oscillator, current: Piece, state: State, start: int, end: int) -> _Stretch | None:
    """The motion without stops on a stretch; None if NODES values do not hold it."""
    n, half = NODES, 0.5 * (end - start) / NS
    once, twice = (half * _integrals(n)[0], half * half * _integrals(n)[1])
    amperes = current.evaluate(Times.nodes(start, end, n))
    u = chebyshev.nodes(n)
    relax = oscillator.relaxations()
    # x_i = M_i (x_i(0) + ∫ z/τ_i): the relaxations follow from the displacement linearly
    followers = [np.linalg.inv(np.eye(n) + rate * once) for rate in relax.rates]
    free_z, free_v = state.z + state.v * half * (u + 1.0), np.full(n, state.v)
    square, total = oscillator.omega0**2, float(relax.stiffness.sum())
    linear = (square + total) * np.eye(n)
    constant_part = np.zeros(n)
    for rate, stiffness, follower, x0 in zip(relax.rates, relax.stiffness, followers, state.relaxed, strict=True):
        linear -= stiffness * rate * (follower @ once)
        constant_part -= stiffness * x0 * follower.sum(axis=1)
    back = oscillator.back_action
    from_start, from_velocity = back.followers(once)
    resisting = np.tensordot(back.c, from_velocity, 1) + (oscillator.damping + back.d) * np.eye(n)  # all that v makes
    constant_part = constant_part + np.tensordot(back.c, from_start, 1) @ state.circuit
    inertia, a, last = 1.0 + back.e, np.zeros(n), math.inf
    for _ in range(ITERATIONS):
        z, v = free_z + twice @ a, free_v + once @ a
        bent, bent_slope = oscillator.bending(z)
        driven, driven_slope = oscillator.drive(z)
        residual = inertia * a + resisting @ v + linear @ z + constant_part + bent - driven * amperes
        slope = linear + np.diag(bent_slope - driven_slope * amperes)
        step = np.linalg.solve(inertia * np.eye(n) + resisting @ once + slope @ twice, residual)
        a = a - step
        change = float(np.abs(step).max())
        size = float(np.abs(a).max()) + square * float(np.abs(z).max()) + abs(oscillator.gain) * np.abs(amperes).max()
        if not math.isfinite(change):
            return None
        if change <= 1e-15 * size or (change <= 1e-13 * size and change >= 0.1 * last):
            break
        last = change
    else:
        return None
    series = chebyshev.interpolation(n) @ a
    if np.abs(series[-4:]).max() > RESOLVED * size:
        return None
    velocity = half * (chebyshev.integration(n) @ series)
    displacement = half * (chebyshev.integration(n + 1) @ velocity)
    velocity[0] += state.v
    displacement[:2] += state.v * half
    displacement[0] += state.z
    z = free_z + twice @ a
    relaxed = np.zeros((n, len(relax.rates)))
    for i, (rate, follower) in enumerate(zip(relax.rates, followers, strict=True)):
        relaxed[:, i] = chebyshev.interpolation(n) @ (follower @ (state.relaxed[i] + rate * (once @ z)))
    flowing = (from_start @ state.circuit + from_velocity @ (free_v + once @ a)).T  # at the nodes, (n, k)
    piece = Piece(start, end, end - start, displacement[:, None])
    return _Stretch(piece, velocity, relaxed, chebyshev.interpolation(n) @ flowing)


def _first_hit(solved: _Stretch, stops: tuple[float, float]) -> tuple[int, float] | None:
    """When (ns) a stretch first goes beyond a stop, and which."""
    u = np.linspace(-1.0, 1.0, 8 * NODES + 1)
    z = chebyshev.evaluate(solved.piece.series[:, 0], u)
    low, high = stops
    beyond = np.nonzero((z < low) | (z > high))[0]
    if len(beyond) == 0:
        return None
    k = int(beyond[0])
    if k == 0:  # it starts at a stop, from which rounding put it beyond
        return (solved.piece.start, low if z[0] < low else high) if _leaves(solved, stops) else None
    stop = low if z[k] < low else high
    inside, outside = u[k - 1], u[k]
    for _ in range(60):
        middle = 0.5 * (inside + outside)
        value = float(chebyshev.evaluate(solved.piece.series[:, 0], np.array([middle]))[0])
        inside, outside = (inside, middle) if (value < low or value > high) else (middle, outside)
    return solved.piece.start + int(0.5 * (inside + 1.0) * solved.piece.length), stop


def _leaves(solved: _Stretch, stops: tuple[float, float]) -> bool:
    """Whether a stretch that starts at a stop goes beyond it."""
    early = solved.state_at(-1.0 + 1e-6)
    return early.z < stops[0] - 1e-15 or early.z > stops[1] + 1e-15


def _acceleration(oscillator: Oscillator, current: Piece, state: State, times: Times) -> Array:
    """Of a coil held at rest where it is (m/s²), while relaxations and currents go on."""
    relax, z = oscillator.relaxations(), np.array([state.z])
    gone = state.z - state.relaxed  # decays while the coil stays
    elapsed, back = times.since(times.first), oscillator.back_action
    decays = np.exp(-np.multiply.outer(elapsed, relax.rates))
    force = oscillator.omega0**2 * state.z + oscillator.bending(z)[0][0] + decays @ (relax.stiffness * gone)
    force = force + back.at_rest(state.circuit, elapsed) @ back.c
    result: Array = oscillator.drive(z)[0][0] * current.evaluate(times) - force
    return result


def _pushed(oscillator: Oscillator, current: Piece, state: State, now: int, stops: tuple[float, float]) -> bool:
    """Whether the coil rests at a stop and is pushed against it."""
    if state.v != 0.0 or state.z not in stops:
        return False
    a = float(_acceleration(oscillator, current, state, Times(np.array([now], dtype=np.int64)))[0])
    return a < 0.0 if state.z == stops[0] else a > 0.0


def _resting(oscillator: Oscillator, current: Piece, state: State, now: int, end: int) -> tuple[Piece, State]:
    """The coil stays at a stop until the push turns round, at most until `end`."""
    times = Times(np.linspace(now, end, 8 * NODES + 1).astype(np.int64))
    push = _acceleration(oscillator, current, state, times)
    turned = np.nonzero(push * push[0] <= 0.0)[0]
    if len(turned):
        a, b = int(times.ns[turned[0] - 1]), int(times.ns[turned[0]])
        while b - a > 1:
            middle = (a + b) // 2
            at = Times(np.array([now, middle], dtype=np.int64))
            value = float(_acceleration(oscillator, current, state, at)[1])
            a, b = (a, middle) if value * push[0] <= 0.0 else (middle, b)
        end = b
    decays = np.exp(-oscillator.relaxations().rates * ((end - now) / NS))
    flows = oscillator.back_action.at_rest(state.circuit, np.array((end - now) / NS))
    return constant(state.z, now, end), State(state.z, 0.0, state.z + (state.relaxed - state.z) * decays, flows)
