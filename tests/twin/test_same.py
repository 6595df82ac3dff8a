"""What is the same is one object, and knowing it holds nothing."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.builders import Formula, Given, Lag, Solve
from twin.composition import Function, Product, Sum, subtract
from twin.graph import Graph
from twin.signal import Constant, Elapsed, Signal
from twin.twin import Twin

A, B = Elapsed(), Elapsed()


class Shape:
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def value(self, x: Any) -> Any:
        return self.factor * x

    def slope(self, x: Any) -> Any:
        return self.factor + 0.0 * x


ONE, OTHER = Shape(1.0), Shape(1.0)


@pytest.mark.parametrize(
    "made",
    [
        lambda: A + 2.0 * B - 1.0,
        lambda: A * B,
        lambda: Function(np.sin, A),
        lambda: Function(ONE.value, A, slopes=(ONE.slope,)),
        lambda: (A * B + 1.0) * (2.0 - A),
    ],
)
def test_what_is_written_down_twice_is_one_object(made: Callable[[], Signal]) -> None:
    assert made() is made()


def test_what_differs_in_anything_is_another() -> None:
    made = [
        A + B, A - B, B + 2.0 * A, A + B + 1.0, A * B, A * A, B * B, Function(np.sin, A), Function(np.sin, B),
        Function(np.cos, A), Function(ONE.value, A), Function(OTHER.value, A), Function(ONE.slope, A),
        Function(ONE.value, A, slopes=(ONE.slope,)), Function(ONE.value, A, slopes=(OTHER.slope,)),
    ]  # fmt: skip
    assert len(set(made)) == len(made)


def loop(tau: float) -> Twin:
    """A servo that warms the magnet it works with."""
    parts = {
        "source": Given(signal=1.0 + 0.01 * Elapsed()),
        "servo": Solve(),
        "coil": Formula(formula=lambda a, b: a * (2.0 - 0.1 * b)),
        "error": Formula(formula=lambda a, b: a - b),
        "heat": Formula(formula=lambda a, b: Function(Shape(2.0).value, a * a)),
        "magnet": Lag(tau=tau),
    }
    wiring = {
        "coil.a": "servo.y", "coil.b": "magnet.y", "error.a": "coil.y", "error.b": "source.y", "servo.zero": "error.y",
        "heat.a": "servo.y", "magnet.u": "heat.y",
    }  # fmt: skip
    return Twin(parts, wiring)


def test_a_loop_that_nobody_holds_is_gone() -> None:
    """Its compositions lead back to themselves through the state; a study makes thousands."""
    assert isinstance(loop(3.0).graph, Graph)
    twin = loop(5.0)
    twin.signal("heat.y")(np.linspace(0.0, 10.0, 5))
    gone = [ref(twin.signal(name)) for name in ("heat.y", "coil.y", "servo.y", "magnet.y")]
    assert all(signal() is not None for signal in gone)
    del twin
    gc.collect()
    assert [signal() for signal in gone] == [None] * 4


@given(
    st.lists(st.tuples(st.floats(-4.0, 4.0), st.sampled_from([A, B, A * B])), min_size=1, max_size=4), st.floats(-4, 4)
)
def test_a_difference_is_the_sum_with_the_negative(terms: list[tuple[float, Signal]], number: float) -> None:
    first: Any = Constant(0.5)
    for factor, signal in terms:
        first = first + factor * signal
    for other in (number, Constant(number), A, 3.0 * A + number, A * B, first):
        negative = -other if isinstance(other, float) else -1.0 * other
        assert_same(subtract(first, other), first + negative)
    assert_same(number - first, -1.0 * first + number)


def assert_same(one: Signal, other: Signal) -> None:
    """One object, or constants of one value."""
    assert one is other or (isinstance(one, Constant) and isinstance(other, Constant) and one.value == other.value)
    assert isinstance(one, Sum | Product | Elapsed | Constant)
