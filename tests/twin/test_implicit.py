"""Implicit values: found to round-off at every instant by itself."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.builders import Formula, Given, Lag, Solve, assemble, ns
from twin.component import ImplicitComponent, Port
from twin.composition import Function
from twin.errors import ComponentError, SimulationError, WiringError
from twin.implicit import Implicit, Unknown
from twin.piece import constant, ramp
from twin.signal import Constant, Elapsed, Signal
from twin.tape import Tape
from twin.timeline import Timeline
from twin.times import Times

T = np.linspace(0.0, 10.0, 23)


def solved(residual, typical: float = 1.0) -> Implicit:
    unknown = Unknown("servo.demand")
    return Implicit(unknown, residual(unknown), typical)


@settings(deadline=None)
@given(gain=st.floats(1e-3, 1e3), bend=st.floats(-0.3, 0.3), level=st.floats(-5.0, 5.0), size=st.floats(-6.0, 6.0))
def test_weakly_nonlinear_residuals(gain: float, bend: float, level: float, size: float) -> None:
    unit = 10.0**size
    demand = level + 0.1 * Elapsed()
    x = solved(lambda y: gain * (y / unit + bend * Function(np.sin, y / unit)) - demand, unit)
    values = x(T) / unit
    want = demand(T)
    assert gain * (values + bend * np.sin(values)) == pytest.approx(want, rel=4e-15, abs=4e-15 * np.abs(want).max())


def test_a_linear_residual_is_exact() -> None:
    assert solved(lambda y: 4.0 * y - 2.0)(T).tolist() == [0.5] * len(T)


def test_a_residual_that_is_zero_for_zero_gives_exactly_zero() -> None:
    assert solved(lambda y: 3.0 * y + y * y)(T).tolist() == [0.0] * len(T)
    engaged = Timeline("servo.engagement")
    engaged.follow(ramp(0.0, 1.0, ns(4), ns(5)))
    values = solved(lambda y: 2.0 * y + 0.01 * y * y - engaged * 5.0)(T)
    assert np.all(values[T <= 4.0] == 0.0) and np.all(values[T > 4.0] > 0.0)


def test_what_cannot_be_solved_is_an_error() -> None:
    with pytest.raises(SimulationError, match=r"servo\.demand finds no solution at t = 0\.0 s.*check that"):
        solved(lambda y: 0.0 * y + 1.0 + 0.0 * Elapsed())(T)
    with pytest.raises(SimulationError, match="finds no solution"):
        solved(lambda y: y * y + 1.0)(T)


def test_the_unknown_has_no_value_of_its_own() -> None:
    with pytest.raises(SimulationError, match=r"servo\.demand is the unknown of a loop"):
        Unknown("servo.demand")(1.0)


def test_every_instant_is_found_by_itself() -> None:
    x = solved(lambda y: y + 0.1 * y * y * y - Elapsed())
    together = x(T)
    assert together == pytest.approx([float(x(t)) for t in T], rel=1e-15)
    assert x(T.reshape(1, -1)).shape == (1, len(T))


def test_breakpoints_and_leaves_are_those_of_the_residual() -> None:
    line = Timeline("a.y")
    line.follow(constant(1.0, ns(3)))
    x = solved(lambda y: y - line)
    assert x.leaves == frozenset({line}) and x.breakpoints(0, ns(9)) == {ns(3)}
    assert x.mean(2.0, 4.0) == pytest.approx(0.5)


def force(current: Signal, heat: Signal) -> Signal:
    return current * (2.0 - 0.01 * current - 0.1 * heat)


def test_consumers_see_the_solved_value() -> None:
    parts = {
        "servo": Solve(),
        "coil": Formula(formula=force),
        "demand": Given(signal=1.0 + 0.1 * Elapsed()),
        "error": Formula(formula=lambda a, b: a - b),
        "heater": Formula(formula=lambda a, b: a * a),
    }
    wiring = {
        "coil.a": "servo.y", "error.a": "coil.y", "error.b": "demand.y", "servo.zero": "error.y", "heater.a": "servo.y",
    }  # fmt: skip
    signals = assemble(parts, wiring).signals
    want = 1.0 + 0.1 * T
    current = signals["servo.y"](T)
    assert current * (2.0 - 0.01 * current) == pytest.approx(want, rel=1e-15)
    assert signals["coil.y"](T) == pytest.approx(want, rel=1e-15)
    assert signals["heater.y"](T) == pytest.approx(current**2, rel=1e-15)
    assert np.abs(signals["error.y"](T)).max() < 1e-15


@pytest.mark.parametrize("delay", [0.0, 5.0])
def test_a_servo_with_a_thermal_state_in_its_loop(delay: float) -> None:
    """dT/dt = (I² - T)/τ with I (2 - 0.1 T) = F: also when there is nothing to hold, and so no heat, at first."""
    demand = Timeline("demand.y", 0.0)
    if delay:
        demand.follow(ramp(0.0, 1.0, ns(delay), ns(delay + 1)))
    else:
        demand.follow(constant(1.0, 0))
    parts = {
        "servo": Solve(),
        "coil": Formula(formula=lambda a, b: a * (2.0 - 0.1 * b)),
        "error": Formula(formula=lambda a, b: a - b),
        "demand": Given(signal=demand),
        "heat": Formula(formula=lambda a, b: a * a),
        "magnet": Lag(tau=20.0),
    }
    wiring = {
        "coil.a": "servo.y", "coil.b": "magnet.y", "error.a": "coil.y", "error.b": "demand.y", "servo.zero": "error.y",
        "heat.a": "servo.y", "magnet.u": "heat.y",
    }  # fmt: skip
    signals = assemble(parts, wiring).signals
    from scipy.integrate import solve_ivp

    def rhs(t: float, x: np.ndarray) -> np.ndarray:
        f = min(max((t - delay) if delay else 1.0, 0.0), 1.0)
        return ((f / (2.0 - 0.1 * x)) ** 2 - x) / 20.0

    edges = [0.0, delay, delay + 1.0, 60.0] if delay else [0.0, 60.0]
    x = np.array([0.0])
    for a, b in itertools.pairwise(edges):
        x = solve_ivp(rhs, (a, b), x, method="DOP853", rtol=1e-13, atol=1e-16).y[:, -1]
    assert float(signals["magnet.y"](60.0)) == pytest.approx(x[0], rel=1e-11)
    heat, current = signals["magnet.y"](T), signals["servo.y"](T)
    assert current * (2.0 - 0.1 * heat) == pytest.approx(demand(T), rel=1e-14, abs=1e-15)


def test_a_second_guess_may_open_what_the_first_left_closed() -> None:
    """A solver that starts where the last guess ended must not keep a zero that belonged to that guess."""
    level = Timeline("level.y")
    x = solved(lambda y: 2.0 * y - level * level)
    play = Tape([x], [level]).at(Times.of(T))
    for value in (0.0, 3.0, 0.0, 2.0):
        assert play(np.full(len(T), value))[0] == pytest.approx(value**2 / 2, rel=1e-15, abs=1e-15)


def test_loops_without_state_are_told_by_their_path() -> None:
    double = Formula(formula=lambda a, b: 2.0 * a + b)
    with pytest.raises(
        WiringError, match=r"loop without state: (one → two → one|two → one → two); no component of it is implicit"
    ) as e:
        assemble({"one": double, "two": double.model_copy()}, {"one.a": "two.y", "two.a": "one.y"})
    assert set(e.value.ends) == {"one.a", "two.a"}
    with pytest.raises(WiringError, match=r"loop without state: .*left and right are both implicit"):
        assemble({"left": Solve(), "right": Solve()}, {"left.zero": "right.y", "right.zero": "left.y"})
    with pytest.raises(WiringError, match="loop without state: self → self"):
        assemble({"self": double}, {"self.a": "self.y"})
    with pytest.raises(WiringError, match=r"loop without state inside the loop of servo: (a → b → a|b → a → b)"):
        assemble(
            {"servo": Solve(), "a": double, "b": double.model_copy()},
            {"servo.zero": "a.y", "a.a": "servo.y", "a.b": "b.y", "b.a": "a.y"},
        )


def test_a_constant_residual_needs_no_instants() -> None:
    assert solved(lambda y: y - Constant(2.0))(np.zeros(0)).shape == (0,)


class Balance(ImplicitComponent):
    """Finds the current for a wanted force, and says the force itself without waiting for it."""

    inputs: ClassVar[Mapping[str, Port]] = {"wanted": Port("1"), "found": Port("1")}
    outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1"), "force": Port("1")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {"force": frozenset({"wanted"})}

    def residual(self, **inputs: Signal) -> Signal:
        return inputs["found"] - inputs["wanted"]

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"force": 1.0 * inputs["wanted"]}


def test_a_further_output_may_act_inside_the_loop() -> None:
    """A support that gives way under the force shifts the field that the current has to make it with."""
    parts = {
        "servo": Balance(),
        "support": Formula(formula=lambda a, b: 0.1 * a),
        "coil": Formula(formula=lambda a, b: a * (2.0 - b)),
        "wanted": Given(signal=1.0 + 0.1 * Elapsed()),
    }
    wiring = {
        "servo.wanted": "wanted.y", "servo.found": "coil.y", "support.a": "servo.force", "coil.a": "servo.y",
        "coil.b": "support.y",
    }  # fmt: skip
    signals = assemble(parts, wiring).signals
    force = 1.0 + 0.1 * T
    assert signals["servo.force"](T) == pytest.approx(force, rel=1e-15)
    assert signals["servo.y"](T) == pytest.approx(force / (2.0 - 0.1 * force), rel=1e-15)


def test_further_outputs_are_those_that_are_declared() -> None:
    class Silent(Balance):
        def signals(self, **inputs: Signal) -> dict[str, Signal]:
            return {}

    parts = {"servo": Silent(), "coil": Formula(formula=lambda a, b: 2.0 * a), "wanted": Given(signal=Constant(1.0))}
    with pytest.raises(ComponentError, match=r"servo\.signals\(\) returned \[\].*\['force'\]"):
        assemble(parts, {"servo.wanted": "wanted.y", "servo.found": "coil.y", "coil.a": "servo.y"})


def test_a_further_output_that_follows_the_loop_is_an_error() -> None:
    class Late(Balance):
        def signals(self, **inputs: Signal) -> dict[str, Signal]:
            return {"force": 1.0 * inputs["found"]}

    parts = {"servo": Late(), "coil": Formula(formula=lambda a, b: 2.0 * a), "wanted": Given(signal=Constant(1.0))}
    with pytest.raises(ComponentError, match=r"servo\.force is declared to depend on wanted alone"):
        assemble(parts, {"servo.wanted": "wanted.y", "servo.found": "coil.y", "coil.a": "servo.y"})
