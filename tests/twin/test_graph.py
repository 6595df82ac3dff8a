"""Wiring: what is wrong is an error that names both ends; what has no influence makes no loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

from tests.twin.builders import Formula, Given, Lag, Solve, assemble
from twin.component import Component, Port
from twin.errors import TwinError, WiringError
from twin.graph import Graph
from twin.parameter import parameter
from twin.signal import Constant, Elapsed, Signal


class Coil(Component):
    inputs: ClassVar[Mapping[str, Port]] = {
        "current": Port("A"), "bl": Port("T*m"), "field": Port("T", kind="field"), "heat": Port("W", default=0.0),
    }  # fmt: skip
    outputs: ClassVar[Mapping[str, Port]] = {"force": Port("N"), "bl": Port("V*s/m"), "field": Port("T", kind="field")}


class Source(Component):
    outputs: ClassVar[Mapping[str, Port]] = {"current": Port("A"), "voltage": Port("V"), "milli": Port("mA")}


PARTS: dict[str, Component] = {"coil": Coil(), "source": Source(), "other": Coil()}
GOOD = {
    "coil.current": "source.current", "coil.bl": "other.bl", "coil.field": "other.field",
    "other.current": "source.current", "other.bl": "coil.bl", "other.field": "coil.field",
}  # fmt: skip


def test_units_that_are_spelled_otherwise_are_the_same() -> None:
    graph = Graph(PARTS, GOOD)
    assert graph.port("coil.bl", "inputs").unit == "T*m"


@pytest.mark.parametrize(
    ("target", "source", "words"),
    [
        ("coil.current", "source.voltage", ["coil.current is in A", "source.voltage is in V"]),
        ("coil.current", "source.milli", ["coil.current is in A", "source.milli is in mA"]),
        ("coil.field", "source.voltage", ["coil.field takes a field", "source.voltage is a signal"]),
        ("coil.bl", "other.field", ["coil.bl takes a signal", "other.field is a field"]),
        ("coil.current", "supply.current", ["supply.current", "no component 'supply'", "coil, other, source"]),
        ("motor.current", "source.current", ["no component 'motor'"]),
        ("coil.curent", "source.current", ["coil.curent is not one of the inputs of coil", "bl, current, field, heat"]),
        ("coil.current", "source.heat", ["source.heat is not one of the outputs of source"]),
        ("coil.current", "coil.current", ["coil.current is not one of the outputs of coil"]),
        ("coil", "source.current", ["is not one of the inputs"]),
        ("coil.current.x", "source.current", ["current.x"]),
        ("", "source.current", ["no component ''"]),
    ],
)
def test_wrong_connections_name_both_ends(target: str, source: str, words: list[str]) -> None:
    with pytest.raises(WiringError) as caught:
        Graph(PARTS, GOOD | {target: source})
    for word in words:
        assert word in str(caught.value)
    assert caught.value.ends and set(caught.value.ends) <= {target, source}
    assert isinstance(caught.value, TwinError) and "\n" not in str(caught.value)


@pytest.mark.parametrize("open_input", list(GOOD))
def test_an_input_left_open_is_an_error(open_input: str) -> None:
    wiring = {k: v for k, v in GOOD.items() if k != open_input}
    with pytest.raises(
        WiringError, match=rf"input {open_input} \(.*\) is not connected; wire it to an output in"
    ) as caught:
        Graph(PARTS, wiring)
    assert caught.value.ends == (open_input,)


class Warmed(Component):
    """A gain that depends on a temperature by `coefficient`; at 0 it does not."""

    inputs: ClassVar[Mapping[str, Port]] = {"u": Port("1"), "temperature": Port("1", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"y": Port("1")}
    coefficient: float = parameter("1", 0.1, neutral=0.0)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"y": inputs["u"] * (1.0 + self.coefficient * inputs["temperature"])}

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.coefficient else frozenset({"temperature"})


LOOP = {"gain.u": "source.y", "gain.temperature": "node.y", "node.u": "gain.y"}


def loop_parts(coefficient: float) -> dict[str, Any]:
    return {"source": Given(signal=Constant(2.0)), "gain": Warmed(coefficient=coefficient), "node": Lag(tau=3.0)}


def test_a_neutral_input_removes_its_edge_before_groups_are_found() -> None:
    assert Graph(loop_parts(0.1), LOOP).groups() == [{"gain", "node"}]
    neutral = Graph(loop_parts(0.0), LOOP)
    assert neutral.groups() == []
    assert neutral.as_networkx().has_edge("node", "gain") and not neutral.as_networkx(neutral=False).has_edge(
        "node", "gain"
    )
    signals = assemble(loop_parts(0.0), LOOP).signals
    assert signals["gain.y"].leaves == frozenset() and float(signals["gain.y"](5.0)) == 2.0
    assert float(signals["node.y"](3.0)) == pytest.approx(2.0 * (1 - np.exp(-1.0)), rel=1e-15)


def test_a_neutral_edge_that_would_close_a_loop_without_state_is_no_loop() -> None:
    parts = {"a": Warmed(coefficient=0.0), "b": Formula(formula=lambda a, b: 2 * a), "source": Given(signal=Elapsed())}
    wiring = {"a.u": "source.y", "b.a": "a.y", "a.temperature": "b.y"}
    assert float(assemble(parts, wiring).signals["b.y"](3.0)) == 6.0
    with pytest.raises(WiringError, match="loop without state"):
        assemble(parts | {"a": Warmed()}, wiring)


def test_groups_come_in_topological_order() -> None:
    parts = {"late": Lag(), "middle": Lag(), "first": Lag()}
    graph = Graph(parts, {"late.u": "middle.y", "middle.u": "first.y"})
    assert graph.structure.order().states == (("first",), ("middle",), ("late",))
    joined = Graph(parts, {"late.u": "middle.y", "middle.u": "late.y", "first.u": "middle.y"})
    assert joined.structure.order().states == (("late", "middle"), ("first",))


def test_the_drawn_graph_bears_ports_and_units() -> None:
    edges = Graph(PARTS, GOOD).as_networkx().edges(data=True)
    assert ("source", "coil", {"output": "current", "input": "current", "unit": "A"}) in list(edges)


def observed(extra: Mapping[str, Component], wiring: Mapping[str, str]) -> bytes:
    parts: dict[str, Component] = {
        "source": Given(signal=1.0 + 0.01 * Elapsed()),
        "servo": Solve(),
        "coil": Formula(formula=lambda a, b: a * (2.0 - 0.1 * b)),
        "error": Formula(formula=lambda a, b: a - b),
        "heat": Formula(formula=lambda a, b: a * a),
        "magnet": Lag(tau=20.0),
        "frame": Lag(tau=300.0),
    }
    own = {
        "coil.a": "servo.y", "coil.b": "magnet.y", "error.a": "coil.y", "error.b": "source.y", "servo.zero": "error.y",
        "heat.a": "servo.y", "magnet.u": "heat.y", "magnet.v": "frame.y", "frame.u": "magnet.y",
    }  # fmt: skip
    signals = assemble({**extra, **parts}, {**own, **wiring}).signals
    t = np.linspace(0, 100, 41)
    return b"".join(signals[name](t).tobytes() for name in ("servo.y", "magnet.y", "frame.y", "coil.y"))


def test_an_unrelated_component_changes_no_bit_of_the_others() -> None:
    alone = observed({}, {})
    assert observed({"aaa": Lag(tau=7.0), "zzz": Given(signal=Elapsed())}, {"aaa.u": "zzz.y"}) == alone
    watching = {"meter": Formula(formula=lambda a, b: a + b), "probe": Lag()}
    assert observed(watching, {"meter.a": "servo.y", "meter.b": "frame.y", "probe.u": "magnet.y"}) == alone
