"""What of a graph hangs on its wiring alone is found once; and what nobody asks for is not made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from tests.twin.builders import Formula, Given, Lag, Solve, ns
from twin.assembly import Assembly
from twin.component import Component, Port
from twin.composition import Function
from twin.graph import Graph
from twin.implicit import Unknown
from twin.parameter import parameter
from twin.piece import ramp
from twin.signal import Constant, Elapsed, Signal
from twin.timeline import Timeline
from twin.twin import Probe, Twin

WIRING = {
    "coil.a": "servo.y", "coil.b": "magnet.y", "error.a": "coil.y", "error.b": "source.y", "servo.zero": "error.y",
    "heat.a": "servo.y", "magnet.u": "heat.y", "meter.a": "coil.y", "frame.u": "meter.y",
}  # fmt: skip


def parts(tau: float = 20.0, through: float = 0.0, **others: Component) -> dict[str, Component]:
    """A servo's loop that warms a magnet; a meter and a frame watch it."""
    return {
        "source": Given(signal=1.0 + 0.01 * Elapsed()),
        "servo": Solve(),
        "coil": Formula(formula=lambda a, b: a * (2.0 - 0.1 * b)),
        "error": Formula(formula=lambda a, b: a - b),
        "heat": Formula(formula=lambda a, b: a * a),
        "magnet": Lag(tau=tau, through=through),
        "meter": Formula(formula=lambda a, b: a + b),
        "frame": Lag(tau=3.0),
        **others,
    }


def test_graphs_of_other_numbers_share_their_order() -> None:
    one, other = Graph(parts(20.0), WIRING), Graph(parts(30.0), WIRING)
    assert one.structure == other.structure and one.structure is not other.structure
    assert one.structure.order() is other.structure.order()
    assert one.structure.order(["heat.y"]) is other.structure.order(["heat.y"]) is not one.structure.order()


class Warmed(Component):
    """A gain with an effect that may be off."""

    inputs: ClassVar[Mapping[str, Port]] = {"a": Port("1"), "b": Port("1", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1")}
    coefficient: float = parameter("1", 0.1, neutral=0.0)

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.coefficient else frozenset({"b"})


class Sum(Formula):
    """Another kind of part with the same ports."""


@pytest.mark.parametrize(
    ("others", "wires"),
    [
        ({}, {"meter.b": "magnet.y"}),
        ({"extra": Lag()}, {}),
        ({"meter": Sum(formula=lambda a, b: a + b)}, {}),
        ({"meter": Warmed(coefficient=0.0)}, {}),
        ({"magnet": Lag(tau=20.0, through=1e-3)}, {}),
    ],
    ids=["a wire", "a part more", "another kind", "an effect off", "an output that follows at once"],
)
def test_what_changes_the_order_changes_the_structure(others: dict[str, Component], wires: dict[str, str]) -> None:
    known = parts(meter=Warmed()) if isinstance(others.get("meter"), Warmed) else parts()
    assert Graph(known, WIRING).structure == Graph(dict(known), dict(WIRING)).structure
    assert Graph(known | others, WIRING | wires).structure != Graph(known, WIRING).structure


# --- what nobody asks for --------------------------------------------------------------------------------------------


def test_what_is_wanted_is_the_same_to_the_last_bit_and_nothing_else_is_made() -> None:
    whole, some = Assembly(Graph(parts(), WIRING)), Assembly(Graph(parts(), WIRING), ["heat.y"])
    t = np.linspace(0.0, 100.0, 41)
    assert some.signals["heat.y"](t).tobytes() == whole.signals["heat.y"](t).tobytes()
    assert set(whole.signals) - set(some.signals) == {"meter.y", "frame.y"}
    assert (whole.members, some.members) == ((("magnet",), ("frame",)), (("magnet",),))
    assert set(Assembly(Graph(parts(), WIRING), ["source.y"]).signals) == {"source.y"}


def test_what_acts_through_a_state_is_wanted_with_it() -> None:
    some = Assembly(Graph(parts(), WIRING), ["frame.y"])
    assert {"meter.y", "coil.y", "servo.y", "magnet.y"} <= set(some.signals)


class Two(Component):
    """An output that follows one input alone, and one that follows both."""

    inputs: ClassVar[Mapping[str, Port]] = {"a": Port("1"), "b": Port("1")}
    outputs: ClassVar[Mapping[str, Port]] = {"x": Port("1"), "y": Port("1")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {"x": frozenset({"a"})}

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"x": 2.0 * inputs["a"], "y": inputs["a"] + inputs["b"]}


def test_an_early_output_alone_needs_only_what_it_depends_on() -> None:
    made = {"two": Two(), "a": Given(signal=Elapsed()), "b": Given(signal=Elapsed())}
    some = Assembly(Graph(made, {"two.a": "a.y", "two.b": "b.y"}), ["two.x"])
    assert set(some.signals) == {"two.x", "a.y"} and float(some.signals["two.x"](3.0)) == 6.0


def test_a_twin_of_what_is_wanted_runs() -> None:
    line = Timeline("u.y")
    line.follow(ramp(0.0, 1.0, 0, ns(1)))
    made = {"u": Given(signal=line), "lag": Lag(tau=2.0), "next": Formula(formula=lambda a, b: 2.0 * a)}
    twin = Twin(made, {"lag.u": "u.y", "next.a": "lag.y"}, wanted=["lag.y"], probes=[Probe("lag.y", "y")])
    assert float(twin.signal("lag.y")(3.0)) > 0.0
    with pytest.raises(KeyError):
        twin.signal("next.y")


# --- what is not known yet -------------------------------------------------------------------------------------------


class Open(Unknown):
    """As an assembly has it for an input that early outputs do not depend on."""

    open = True


def test_what_follows_from_what_is_not_known_is_not_known() -> None:
    """And nothing is made of it: no sum, no product."""
    u, t = Open("part.u"), Elapsed()
    for made in (
        u + 1.0,
        1.0 - u,
        u - t,
        t + u,
        3.0 * u,
        u * t,
        t * u,
        -u,
        (t * t + u) * t - 2.0,
        (1.0 + t) * (u / 2.0),
    ):
        assert made is u
    assert (t / u).leaves == {u} and Function(np.sin, u).leaves == {u}
    assert isinstance(0.0 * u, Constant)


def test_an_unknown_of_a_loop_is_one_to_calculate_with() -> None:
    y = Unknown("servo.y")
    assert (y + 1.0) is not y and (y * Elapsed()).leaves == {y}
