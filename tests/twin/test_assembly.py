"""Assembly: signals out of a graph, and the contract of components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from tests.twin.builders import Formula, Given, Lag, Linear, OneState, TwoStates, assemble, ns
from twin.component import Component, NonlinearComponent, Port, StateSpace
from twin.errors import ComponentError
from twin.piece import ramp
from twin.signal import Constant, Elapsed, Signal
from twin.timeline import Timeline


def test_an_unwired_input_has_its_default() -> None:
    class Offset(Component):
        inputs: ClassVar[Mapping[str, Port]] = {"a": Port("1", default=2.5), "b": Port("1", default=0.0)}
        outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1")}

        def signals(self, **inputs: Signal) -> dict[str, Signal]:
            return {"y": inputs["a"] + inputs["b"]}

    assert float(assemble({"part": Offset()}, {}).signals["part.y"](1.0)) == 2.5


def test_static_parts_are_built_in_the_order_of_their_wiring_whatever_the_order_given() -> None:
    parts = {
        "third": Formula(formula=lambda a, b: a * b),
        "second": Formula(formula=lambda a, b: a + 1.0),
        "first": Given(signal=Elapsed()),
    }
    wiring = {"third.a": "second.y", "third.b": "first.y", "second.a": "first.y"}
    assert float(assemble(parts, wiring).signals["third.y"](3.0)) == 12.0


def test_feedthrough_is_at_once_and_state_is_late() -> None:
    line = Timeline("u.y")
    line.follow(ramp(0.0, 1.0, 0, ns(1)))
    parts = {"u": Given(signal=line), "lag": Lag(tau=2.0, through=3.0), "next": Formula(formula=lambda a, b: 2 * a)}
    signals = assemble(parts, {"lag.u": "u.y", "next.a": "lag.y"}).signals
    state = 1.0 - 2.0 + 2.0 * np.exp(-0.5)
    assert float(signals["next.y"](1.0)) == pytest.approx(2 * (state + 3.0), rel=1e-14)


@pytest.mark.parametrize("matrix", ["a", "b", "c", "d", "x0"])
def test_a_state_space_of_the_wrong_shape_is_the_authors_error(matrix: str) -> None:
    good = {"a": np.eye(2), "b": np.ones((2, 1)), "c": np.ones((1, 2)), "d": np.zeros((1, 1)), "x0": np.zeros(2)}
    assemble({"part": Linear(space=StateSpace(**good))}, {})
    wrong = good | {matrix: np.zeros((3, 1))}
    with pytest.raises(ComponentError, match=r"part\.state_space\(\): . has shape|part\.state_space\(\): x0 has shape"):
        assemble({"part": Linear(space=StateSpace(**wrong))}, {})


def test_signals_that_are_not_the_outputs_are_the_authors_error() -> None:
    class Wrong(Component):
        outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1")}

        def signals(self, **inputs: Signal) -> dict[str, Signal]:
            return {"z": Constant(1.0)}

    with pytest.raises(ComponentError, match=r"part\.signals\(\) returned \['z'\], but its outputs are \['y'\]"):
        assemble({"part": Wrong()}, {})


def test_a_component_without_signals_says_so() -> None:
    class Empty(Component):
        outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1")}

    with pytest.raises(ComponentError, match=r"Empty must write signals\(\)"):
        assemble({"part": Empty()}, {})


def test_the_outputs_of_a_nonlinear_part_are_its_states() -> None:
    class Hidden(NonlinearComponent):
        outputs: ClassVar[Mapping[str, Port]] = {"x": Port("1")}

        def derivative(self, x: np.ndarray, **inputs: np.ndarray) -> np.ndarray:
            return -x

        def initial_state(self) -> np.ndarray:
            return np.ones(2)

        def linear_part(self) -> np.ndarray:
            return np.zeros((2, 2))

    with pytest.raises(ComponentError, match="part: the outputs of a nonlinear component are its states, one by one"):
        assemble({"part": Hidden()}, {})


def test_a_linear_and_a_nonlinear_part_in_one_loop() -> None:
    """x' = v, v' = -x through a nonlinear part, with friction from a linear one that follows v."""
    parts = {
        "mass": TwoStates(f=lambda x, u: np.stack([x[1], -x[0] - u]), x0=[1.0, 0.0], linear=[[0.0, 1.0], [-1.0, 0.0]]),
        "drag": Lag(tau=0.5, gain=0.2),
    }
    assembly = assemble(parts, {"mass.u": "drag.y", "drag.u": "mass.v"})
    assert len(assembly.groups) == 1
    from scipy.linalg import expm

    a = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, -1.0], [0.0, 0.4, -2.0]])
    exact = expm(a * 10.0) @ np.array([1.0, 0.0, 0.0])
    found = [float(assembly.signals[name](10.0)) for name in ("mass.x", "mass.v", "drag.y")]
    assert found == pytest.approx(exact, abs=1e-12)


def test_two_nonlinear_parts_in_one_loop() -> None:
    """Lotka and Volterra: what they keep is kept."""
    prey = OneState(f=lambda x, u: x * (1.0 - u), x0=1.5)
    hunter = OneState(f=lambda x, u: x * (u - 1.0), x0=1.0)
    signals = assemble({"prey": prey, "hunter": hunter}, {"prey.u": "hunter.x", "hunter.u": "prey.x"}).signals
    t = np.linspace(0.0, 20.0, 41)
    x, y = signals["prey.x"](t), signals["hunter.x"](t)
    kept = x + y - np.log(x) - np.log(y)
    assert np.abs(kept - kept[0]).max() < 1e-12 and x.max() > 1.4
