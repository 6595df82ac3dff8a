"""What the engine's tests share: references in many digits, and the smallest components that show something."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import mpmath
import numpy as np
from numpy.typing import NDArray

from twin.assembly import Assembly
from twin.component import Component, ImplicitComponent, LinearComponent, NonlinearComponent, Port, StateSpace
from twin.graph import Graph
from twin.group import StateGroup
from twin.signal import Signal
from twin.state import StateOutput
from twin.times import NS

Array = NDArray[Any]
FULL_SCALE = 1e-13
"""What the engine promises, as a share of a channel's full scale."""


def ns(seconds: float) -> int:
    return round(seconds * NS)


def relative_error(found: Any, exact: Sequence[Any], scale: float | None = None) -> float:
    """Largest deviation from mpmath numbers, as a share of the largest of them or of `scale`."""
    values = np.ravel(np.asarray(found)).tolist()
    worst = max((abs(mpmath.mpmathify(f) - e) for f, e in zip(values, exact, strict=True)), default=mpmath.mpf(0))
    full = mpmath.mpf(scale) if scale is not None else max(abs(e) for e in exact)
    return float(worst / full) if full else float(worst)


# --- references ------------------------------------------------------------------------------------------------------


def mode_response(rate: complex, x0: complex, parts: Sequence[tuple[complex, Sequence[complex]]], t: Any) -> Any:
    """x(t) of dx/dt = rate x + Σ p(t) e^{mu t}, for parts (mu, power coefficients of p), by Kummer's function."""
    t, lam = mpmath.mpf(t), mpmath.mpmathify(rate)
    total = mpmath.mpmathify(x0) * mpmath.exp(lam * t)
    for mu, powers in parts:
        for k, c in enumerate(powers):
            if c:
                kummer = mpmath.hyp1f1(k + 1, k + 2, (mpmath.mpmathify(mu) - lam) * t)
                total += mpmath.mpmathify(c) * mpmath.exp(lam * t) * t ** (k + 1) / (k + 1) * kummer
    return total


def chebyshev_powers(series: Sequence[float], h: float) -> list[Any]:
    """Power coefficients in τ of a Chebyshev series over [0, h), in mpmath."""
    older, last = [mpmath.mpf(1)], [mpmath.mpf(-1), mpmath.mpf(2) / h]
    polynomials = [older, last]
    for _ in range(2, len(series)):
        new = [mpmath.mpf(0)] * (len(last) + 1)
        for i, c in enumerate(last):
            new[i] -= 2 * c
            new[i + 1] += 4 * c / h
        for i, c in enumerate(older):
            new[i] -= c
        older, last = last, new
        polynomials.append(new)
    total = [mpmath.mpf(0)] * len(series)
    for c, p in zip(series, polynomials, strict=False):
        for i, v in enumerate(p):
            total[i] += mpmath.mpf(c) * v
    return total


def matrix(a: Array) -> Any:
    """An array (longdouble too) as an mpmath matrix, without loss."""
    array = np.asarray(a)
    result = mpmath.matrix(*array.shape)
    for i, j in np.ndindex(*array.shape):
        high = float(array[i, j])
        result[i, j] = mpmath.mpf(high) + mpmath.mpf(float(array[i, j] - np.longdouble(high)))
    return result


def propagator(a: Array, b: Array, seconds: Any) -> tuple[Any, Any]:
    """Φ and Γ of ``x(t) = Φ x(0) + Γ u`` for inputs that stay constant; b has shape (n, inputs)."""
    n, m = np.shape(b)
    joined = mpmath.zeros(n + m)
    joined[:n, :n], joined[:n, n:] = matrix(a), matrix(b)
    grown = mpmath.expm(joined * mpmath.mpf(seconds))
    return grown[:n, :n], grown[:n, n:]


# --- groups without a graph ------------------------------------------------------------------------------------------


def single_group(
    a: Array | float, inputs: Sequence[Signal] = (), x0: Any = None, b: Array | None = None
) -> tuple[StateGroup, list[StateOutput]]:
    """A connected linear group with one output a state; by default input k drives state k."""
    a = np.atleast_2d(np.asarray(a))
    n = len(a)
    drive = np.eye(n)[:, : len(inputs)] if b is None else b
    group = StateGroup("group", a, drive, np.zeros(n) if x0 is None else np.asarray(x0, dtype=float))
    outputs = [group.output(row, f"x{k}") for k, row in enumerate(np.eye(n))]
    group.connect(inputs)
    return group, outputs


# --- components ------------------------------------------------------------------------------------------------------


class Given(Component):
    """A source that puts out a given signal."""

    outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1")}
    signal: Any

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"y": self.signal}


class Formula(Component):
    """An output that is a given expression of `a` and `b`."""

    inputs: ClassVar[Mapping[str, Port]] = {"a": Port("1"), "b": Port("1", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1")}
    formula: Callable[[Signal, Signal], Signal]

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"y": self.formula(inputs["a"], inputs["b"])}


class Lag(LinearComponent):
    """``dx/dt = (gain u + coupling v - x)/tau``, ``y = x + through u``."""

    inputs: ClassVar[Mapping[str, Port]] = {"u": Port("1", default=0.0), "v": Port("1", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1")}
    tau: float = 1.0
    gain: float = 1.0
    coupling: float = 1.0
    through: float = 0.0
    x0: float = 0.0

    def state_space(self) -> StateSpace:
        b = np.array([[self.gain, self.coupling]]) / self.tau
        return StateSpace(
            np.array([[-1 / self.tau]]), b, np.eye(1), np.array([[self.through, 0.0]]), np.array([self.x0])
        )


class Linear(LinearComponent):
    """A given state space with one input and one output for each state."""

    inputs: ClassVar[Mapping[str, Port]] = {"u": Port("1", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1")}
    space: Any

    def state_space(self) -> StateSpace:
        return self.space


class OneState(NonlinearComponent):
    """``dx/dt = f(x, u)`` with one state."""

    inputs: ClassVar[Mapping[str, Port]] = {"u": Port("1", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"x": Port("1")}
    f: Callable[[Array, Array], Array]
    x0: float = 0.0
    rate: float = 0.0

    def derivative(self, x: Array, **inputs: Array) -> Array:
        return self.f(x, inputs["u"])

    def initial_state(self) -> Array:
        return np.array([self.x0])

    def linear_part(self) -> Array:
        return np.array([[self.rate]])


class TwoStates(NonlinearComponent):
    """``dx/dt = f(x, u)`` with two states."""

    inputs: ClassVar[Mapping[str, Port]] = {"u": Port("1", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"x": Port("1"), "v": Port("1")}
    f: Callable[[Array, Array], Array]
    x0: list[float]
    linear: Any

    def derivative(self, x: Array, **inputs: Array) -> Array:
        return self.f(x, inputs["u"])

    def initial_state(self) -> Array:
        return np.array(self.x0)

    def linear_part(self) -> Array:
        return np.asarray(self.linear)


class Solve(ImplicitComponent):
    """Finds the `y` at which `zero` vanishes."""

    inputs: ClassVar[Mapping[str, Port]] = {"zero": Port("1")}
    outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1")}

    def residual(self, **inputs: Signal) -> Signal:
        return inputs["zero"]


def assemble(components: Mapping[str, Component], wiring: Mapping[str, str]) -> Assembly:
    return Assembly(Graph(components, wiring))
