"""A limit in newtons: of what the current of a real source pushes the coil with, by the twin's Bl."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx
import pytest

import scenarios
from hw_bridge.bridge import Bridge
from hw_bridge.errors import SafetyError
from hw_bridge.force import Winding, newtons_per_ampere, windings
from tests.hw_bridge import real_bench
from tests.hw_bridge.real_bench import NOBODY, output
from tests.hw_bridge.subjects import bench, driver
from tests.hw_bridge.test_following import ARTEFACT, scenario
from tests.hw_bridge.wired import Wired
from twin.errors import WiringError
from twin.real_time import RealTimeClock
from twin.twin import Twin

BL = 500.0
"""Of the bench (T·m)."""
MOST = 0.5
"""Newtons, of 1 mA."""


@pytest.fixture(scope="module")
def wired() -> Iterator[Wired]:
    with Wired() as made:
        yield made


def real(wired: Wired, **limits: Any) -> dict[str, Any]:
    """A source, what it flows through and the meter that reads it, so that it drives the coil of the twin."""
    address = {name: wired.row(name, "socket")["address"] for name in ("current_source", "current_voltmeter")}
    stated = {"current": "2 mA", "voltage": "10 V", "force": f"{MOST} N", **limits}
    source = {"driver": "keithley6221", "resource": address["current_source"], "timeout": "20 s", "limits": stated}
    meter = {"driver": "hp3458a", "resource": address["current_voltmeter"], "timeout": "20 s"}
    return {"current_source": source, "resistor": ARTEFACT, "current_voltmeter": meter}


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_current_that_would_push_too_hard_is_refused_and_not_clipped(wired: Wired, sign: float) -> None:
    chosen = scenario(real(wired))
    with Bridge(chosen, arm=True, clock=RealTimeClock(None), tell=str) as bridge:
        source: Any = bridge.instruments(Twin(bridge.parts(), chosen.wiring, clock=bridge.clock))["current_source"]
        source.connect()
        allowed = sign * 0.99 * MOST / BL
        bridge.clock.run(source.set(allowed, 0.0))
        with pytest.raises(SafetyError, match=r"current_source: force -?0\.50\d* N is beyond its limit of -?0\.5 N"):
            bridge.clock.run(source.set(sign * 1.01 * MOST / BL, 0.0))
        assert output(wired) == (True, pytest.approx(allowed))
    assert output(wired) == (False, 0.0)


def test_the_force_is_that_of_the_magnet_as_warm_as_it_is(wired: Wired) -> None:
    """Warmer by 20 K, NdFeB lets 2 % more current through."""
    current = 1.01 * MOST / BL
    for warmer, allowed in ((0.0, False), (20.0, True)):
        chosen = scenario(real(wired), balance__environment={"temperature": f"{298.15 + warmer} K"})
        with Bridge(chosen, clock=RealTimeClock(None), tell=str) as bridge:
            twin = Twin(bridge.parts(), chosen.wiring, clock=bridge.clock)
            source: Any = bridge.instruments(twin)["current_source"]
            if allowed:
                bridge.clock.run(source.set(current, 0.0))
            else:
                with pytest.raises(SafetyError, match="force"):
                    bridge.clock.run(source.set(current, 0.0))


def test_windings_that_push_against_each_other_count_as_two(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them may be open: too strict, never too loose."""
    same = {"field": "magnet.field", "position": "interferometer.position", "current": "shunt.current"}
    same["temperature_rise"] = "environment.temperature_rise"
    wiring = {f"second.{port}": out for port, out in same.items()}
    chosen = scenario(real(wired), balance__second={"type": "coil", "resistance": "400 ohm"}, balance__wiring=wiring)
    with Bridge(chosen) as bridge:
        bridge.prepare(Twin(bridge.parts(), chosen.wiring, clock=bridge.clock))
        driver: Any = bridge.drivers["current_source"]
        assert driver.newtons_per_ampere() == pytest.approx(2 * BL)
        monkeypatch.setattr(bridge, "_of_twin", {"coil.bl": 500.0, "second.bl": -300.0}.__getitem__)
        assert driver.newtons_per_ampere() == 800.0


ROWS = {
    "one winding at a time": (["+0 0+ 00", "0+ +0 00"], 600.0),
    "in series": (["+0 0+ 00", "++ 00 00"], 1100.0),
    "against each other": (["+0 0+ 00", "+- 00 00"], 1100.0),
    "the other one compensates": (["+0 0+ 0+", "00 ++ ++"], 500.0),
    "none at all": (["00 ++ 00"], 0.0),
}


@pytest.mark.parametrize(("rows", "expected"), ROWS.values(), ids=list(ROWS))
def test_of_windings_behind_relays_those_count_that_are_driven_together(rows: list[str], expected: float) -> None:
    """In any configuration that the box has, whichever is connected."""
    bl = {"coil": 500.0, "second_coil": -600.0}
    driven = windings(Twin(**two_windings()).graph, "current_source")
    assert [(winding.coil, winding.port) for winding in driven] == [("coil", "main"), ("second_coil", "main")]
    words = {"identify": "I", "state": "S", "open": "O", "opened": "0", "closed": "1"}
    words |= {f"{word} {row}": row for row in rows for word in ("close", "closed")}
    del words["closed"]
    box = driver("switch_box", "generic_switch_box", NOBODY, bench(), commands=words)
    assert newtons_per_ampere(driven, {"switch_box": box}, bl.__getitem__) == expected
    assert newtons_per_ampere(driven, {}, bl.__getitem__) == 1100.0, "nobody says what a simulated box may do"


def two_windings(**wired: str | None) -> dict[str, Any]:
    """Of KBmini, and wires that are different."""
    chosen = scenarios.load("kbmini_power_regulated").scenario
    wires = {key.replace("__", "."): wire for key, wire in wired.items()}
    there = {into: out for into, out in {**chosen.wiring, **wires}.items() if out is not None}
    return {"components": chosen.balance.parts, "wiring": there}


def test_each_source_has_its_own_windings() -> None:
    graph = Twin(**two_windings()).graph
    compensating = windings(graph, "compensating_source")
    assert {(w.coil, w.port, w.number) for w in compensating} == {
        ("coil", "compensation", 1),
        ("second_coil", "compensation", 2),
    }
    apart = Twin(**two_windings(second_coil__current="compensating_source.current")).graph
    assert windings(apart, "compensating_source")[-1] == Winding("second_coil")


def test_a_winding_that_a_current_only_warms_is_not_counted() -> None:
    """Both are on one former: the heat of the one is in the other, and its current in the other's flux."""
    graph = Twin(
        **two_windings(coil__current="circuit.coil_current", second_coil__current="compensating_source.current")
    ).graph
    assert "second_coil" in nx.descendants(graph.as_networkx(), "current_source")
    assert windings(graph, "current_source") == [Winding("coil")]


def test_a_source_that_drives_no_coil_has_no_force(wired: Wired) -> None:
    parts = real(wired)
    chosen = real_bench.scenario({name: parts[name] for name in ("current_source", "resistor")})
    with Bridge(chosen) as bridge, pytest.raises(WiringError, match=r"limits\.force is of a coil, and it drives none"):
        bridge.prepare(Twin(bridge.parts(), chosen.wiring, clock=bridge.clock))


def test_of_two_stages_the_force_is_that_of_both(wired: Wired) -> None:
    stages = {"coarse": {"driver": "keithley6221", "resource": NOBODY}}
    stages["fine"] = {**stages["coarse"], "resource": NOBODY.replace("::1::", "::2::")}
    source = {"driver": "two_stage_source", "limits": {"current": "2 mA", "voltage": "10 V", "force": "0.5 N"}}
    parts = real(wired)
    for force, text in (({}, ""), ({"force": "0.1 N"}, r"limits\.force is of both stages together")):
        fine = {**stages["fine"], "limits": {"current": "2 uA", **force}}
        chosen = scenario({**parts, "current_source": {**source, "stages": {**stages, "fine": fine}}})
        with Bridge(chosen) as bridge:
            twin = Twin(bridge.parts(), chosen.wiring, clock=bridge.clock)
            if text:
                with pytest.raises(WiringError, match=text):
                    bridge.prepare(twin)
            else:
                bridge.prepare(twin)
                driver: Any = bridge.drivers["current_source"]
                driver._allowed(0.99e-3)
                with pytest.raises(SafetyError, match="force"):
                    driver._allowed(1.01e-3)
