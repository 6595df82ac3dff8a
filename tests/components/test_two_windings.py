"""Two windings, the switch box that connects them, and the servo whose loop opens."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from components.coil import Coil
from components.current_source import CurrentSource
from components.magnet import Magnet
from components.stop import Stop
from components.switch_box import SwitchBox
from components.switched_servo import SwitchedServo
from tests.components.bench import bench, given, path
from twin.clock import Process
from twin.component import Component, Port
from twin.errors import SimulationError
from twin.gated import Gated, interrupting
from twin.piece import constant, ramp
from twin.recorder import Schedule
from twin.signal import Constant, Signal
from twin.timeline import Timeline
from twin.times import NS, Times
from twin.twin import Twin

FIELD = Magnet(bl=700.0, profile=[0.3, -4.0]).signals(temperature_rise=Constant(0.0))["field"]
COIL: dict[str, Any] = {"resistance": 100.0, "inductance": 2.0, "mutual_inductance": 1.9, "mutual_curvature": 900.0}
COIL |= {"inductance_curvature": 700.0, "quadratic_current_coefficient": 0.3, "mutual_quadratic_coefficient": 0.3}


def winding(position: Signal, current: Signal, other: Signal, **changes: Any) -> dict[str, Signal]:
    inputs: dict[str, Any] = {port: Constant(declared.default or 0.0) for port, declared in Coil.inputs.items()}
    inputs |= {"field": FIELD, "position": position, "current": current, "other_current": other}
    return Coil(**(COIL | changes)).signals(**inputs)


def pair(
    position: Signal, first: Signal, second: Signal, **changes: Any
) -> tuple[dict[str, Signal], dict[str, Signal]]:
    return winding(position, first, second, **changes), winding(position, second, first, **changes)


def moving(velocity: float) -> Timeline:
    position = Timeline("z", 1e-3)
    position.follow(ramp(1e-3, 1e-3 + velocity * 10.0, 0, 10 * NS))
    return position


@pytest.mark.parametrize("currents", [(7e-3, 0.0), (0.0, -7e-3), (7e-3, 7e-3), (7e-3, -7e-3), (0.02, -0.007)])
def test_what_the_forces_do_is_what_the_voltages_take(currents: tuple[float, float]) -> None:
    """F v + dW_m/dt = Σ U_i I_i: of one co-energy W', the field's energy is Σ λ_i I_i − W', exactly."""
    velocity, i, j = 2e-3, *currents
    position = moving(velocity)
    found = pair(position, Constant(i), Constant(j), resistance=1e-9)
    at = Times(np.array([2 * NS, 8 * NS]))
    power = sum(c * float(w["voltage"].means(at.ns[:1], 6 * NS)[0]) for c, w in zip((i, j), found, strict=True))
    power -= 1e-9 * (i**2 + j**2)

    def work(a: float, b: float) -> np.ndarray:
        """The co-energy, from the linkages along a path of the currents: first one, then the other."""
        x, w = np.polynomial.legendre.leggauss(8)
        x, w = 0.5 * (x + 1), 0.5 * w
        first = sum(wk * a * pair(position, Constant(xk * a), Constant(0.0))[0]["flux_linkage"].at(at)
                    for xk, wk in zip(x, w, strict=True))  # fmt: skip
        second = sum(wk * b * pair(position, Constant(a), Constant(xk * b))[1]["flux_linkage"].at(at)
                     for xk, wk in zip(x, w, strict=True))  # fmt: skip
        return np.asarray(first + second)

    linkages = sum(c * w["flux_linkage"].at(at) for c, w in zip((i, j), found, strict=True))
    energy = linkages - work(i, j)
    force = sum(w["force"].means(at.ns[:1], 6 * NS)[0] for w in found)
    assert force * velocity + (energy[1] - energy[0]) / 6.0 == pytest.approx(power, rel=1e-11, abs=1e-16)


def test_either_path_of_the_currents_has_the_same_energy() -> None:
    """∂λ1/∂I2 = ∂λ2/∂I1: the mutual inductance is one."""
    position, h = Constant(3e-3), 1e-4
    at = Times(np.array([0]))

    def linkage(k: int, i: float, j: float) -> float:
        return float(pair(position, Constant(i), Constant(j))[k]["flux_linkage"].at(at)[0])

    slopes = [
        (linkage(0, 0.02, 0.01 + h) - linkage(0, 0.02, 0.01 - h)) / (2 * h),
        (linkage(1, 0.02 + h, 0.01) - linkage(1, 0.02 - h, 0.01)) / (2 * h),
    ]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-9)


def test_the_sensed_voltage_has_twice_what_the_current_adds_to_the_force() -> None:
    """With closely coupled windings: I M' against ½ I L' (Liu2025)."""
    alike = {"mutual_curvature": 700.0, "quadratic_current_coefficient": 0.0, "mutual_quadratic_coefficient": 0.0}
    position, velocity, current = moving(1e-3), 1e-3, 7e-3
    heating, sensing = pair(position, Constant(current), Constant(0.0), **alike)
    at = Times(np.array([5 * NS]))
    bl = float(heating["bl"].at(at)[0])
    voltage, force = float(sensing["voltage"].at(at)[0]), float(heating["force"].at(at)[0])
    assert voltage / velocity - bl == pytest.approx(2.0 * (force / current - bl), rel=1e-9)


def test_a_winding_alone_is_what_it_was() -> None:
    found = winding(moving(1e-3), Constant(7e-3), Constant(0.0))
    plain = {k: v for k, v in COIL.items() if not k.startswith("mutual")}
    inputs: dict[str, Any] = {port: Constant(d.default or 0.0) for port, d in Coil.inputs.items()}
    alone = Coil(**plain).signals(**(inputs | {"field": FIELD, "position": moving(1e-3), "current": Constant(7e-3)}))
    at = Times(np.array([NS, 4 * NS]))
    for port in ("force", "flux_linkage", "voltage", "power"):
        assert np.array_equal(found[port].at(at), alone[port].at(at))


def test_size_scales_what_couples_the_windings() -> None:
    coil = Coil(**COIL).scaled(0.5)
    assert coil.mutual_inductance == pytest.approx(0.95)
    assert coil.mutual_curvature == pytest.approx(1800.0)
    assert coil.mutual_quadratic_coefficient == pytest.approx(1.2)


# --- the switch box ---------------------------------------------------------------------------------------------------


GIVEN: dict[str, Any] = {"main": 7e-3, "compensation": 5e-3, "noise": 1e-6, "voltage_1": 3.0, "voltage_2": 5.0}
GIVEN |= {"resistance_1": 100.0, "resistance_2": 120.0}


@pytest.mark.parametrize(
    ("main", "meter", "compensation", "currents", "voltage", "driven", "sensed"),
    [
        ((1, 0), (0, 1), (0, 0), (7e-3, 0.0), 5.0, 100.0, 120.0),
        ((0, 1), (1, 0), (0, 0), (0.0, 7e-3), 3.0, 120.0, 100.0),
        ((1, 0), (0, 1), (0, 1), (7e-3, 5e-3), 5.0, 100.0, 120.0),
        ((1, 1), (1, 1), (0, 0), (7e-3, 7e-3), 8.0, 220.0, 220.0),
        ((1, -1), (1, 1), (0, 0), (7e-3, -7e-3), 8.0, 220.0, 220.0),
        ((0, 0), (1, -1), (0, 0), (0.0, 0.0), -2.0, 0.0, 220.0),
    ],
)
def test_the_switch_box(
    main: tuple[int, int],
    meter: tuple[int, int],
    compensation: tuple[int, int],
    currents: tuple[float, float],
    voltage: float,
    driven: float,
    sensed: float,
) -> None:
    switches = SwitchBox(contact_emf=1e-7)
    twin = bench(switches, **GIVEN)
    switches.connect(main=main, meter=meter, compensation=compensation)

    def now(port: str) -> float:
        return float(twin.signal(f"part.{port}").at(Times(np.array([NS])))[0])

    assert (now("current_1"), now("current_2")) == pytest.approx(currents)
    assert (now("noise_1"), now("noise_2")) == pytest.approx((1e-6 * main[0], 1e-6 * main[1]))
    assert now("voltage") == pytest.approx(voltage + 1e-7, rel=1e-15)
    assert now("driven_resistance") == driven
    assert now("sensed_resistance") == sensed
    through_meter = sum(m * c for m, c in zip(meter, currents, strict=True))
    assert now("sensed_current") == pytest.approx(through_meter)


def test_the_switch_box_knows_three_positions() -> None:
    switches = SwitchBox()
    bench(switches, **GIVEN)
    with pytest.raises(ValueError, match="expected 1, -1 or 0 for meter, not 2"):
        switches.connect(main=(1, 0), meter=(0, 2))


# --- servo, source and stop -------------------------------------------------------------------------------------------


def loop() -> tuple[Twin, SwitchedServo, CurrentSource]:
    """A servo that carries 5 N with a coil of 500 N/A."""

    class Force(Component):
        inputs: ClassVar[dict[str, Port]] = {"current": Port("A")}
        outputs: ClassVar[dict[str, Port]] = {"force": Port("N")}

        def signals(self, **inputs: Signal) -> dict[str, Signal]:
            return {"force": 500.0 * inputs["current"]}

    servo, source = SwitchedServo(), CurrentSource()
    parts: dict[str, Any] = {"servo": servo, "source": source, "coil": Force()}
    parts["load"] = given(5.0, Port("N"))
    wiring = {
        "servo.required_force": "load.y",
        "servo.coil_force": "coil.force",
        "servo.demand_fed_back": "servo.demand",
        "source.demand": "servo.demand",
        "source.following": "servo.closed",
        "coil.current": "source.current",
    }
    twin = Twin(parts, wiring)
    source.connect()
    return twin, servo, source


def test_with_its_loop_open_the_set_current_alone_flows() -> None:
    twin, servo, source = loop()

    def operations() -> Process:
        yield from servo.engage(1.0)
        yield twin.clock.until(3 * NS)
        source.keep("load")
        servo.open()
        yield from source.set(2e-3, 1.0)
        yield twin.clock.until(6 * NS)
        yield from source.set(0.0, 0.0)
        servo.close()
        yield twin.clock.until(8 * NS)

    twin.clock.run(operations())
    current = twin.signal("source.current").at(Times(np.array([0, NS // 2, 2 * NS, 5 * NS, 7 * NS])))
    assert current == pytest.approx([0.0, 5e-3, 10e-3, 2e-3, 10e-3], rel=1e-12)
    assert source.kept("load") == pytest.approx(10e-3, rel=1e-12)
    assert source.kept("other") == 0.0
    force = twin.signal("servo.force").at(Times(np.array([2 * NS, 5 * NS])))
    assert force == pytest.approx([5.0, 5.0])


def test_a_source_follows_closed_forms_within_its_limit() -> None:
    twin, servo, source = loop()
    servo.open()
    with pytest.raises(ValueError, match=r"0\.2 A is beyond its limit of 0\.1 A"):
        next(source.follow([ramp(0.0, 0.2, 0, NS)]))
    twin.clock.run(source.follow([ramp(0.0, 0.05, 0, NS)]))
    assert twin.signal("source.current").at(Times(np.array([NS // 2, NS])))[:] == pytest.approx([0.025, 0.05])
    source.keep("given", 3e-3)
    assert source.kept("given") == 3e-3


def test_a_stop_records_what_presses_and_gives_way() -> None:
    twin = bench(Stop(strength=6.0), "stop", coil_force=path(ramp(0.0, 5.0, 0, NS)), carried_force=1.0)
    stop: Any = twin.graph.components["stop"]
    block = twin.clock.run(stop.watch(Schedule(0, NS // 4, 4), {"cycle": 0}))
    assert block.values == pytest.approx(np.array([[0.0, 1.25, 2.5, 3.75]]))
    assert block.labels["event"] == "contact"
    assert twin.signal("stop.load").at(Times(np.array([NS])))[0] == pytest.approx(4.0)
    weak = bench(Stop(strength=2.0), "stop", coil_force=path(ramp(0.0, 5.0, 0, NS)))
    broken: Any = weak.graph.components["stop"]
    with pytest.raises(SimulationError, match=r"pushes with 3\.75 N .* more than its strength of 2 N"):
        weak.clock.run(broken.watch(Schedule(0, NS // 4, 4), {}))


def test_what_happens_behind_a_closed_gate_interrupts_nothing() -> None:
    gate, line = Timeline("gate"), path(ramp(0.0, 1.0, 2 * NS, 3 * NS))
    gate.follow(constant(1.0, 10 * NS))
    gated = Gated(gate, line)
    line.follow(ramp(1.0, 2.0, 12 * NS, 13 * NS))
    found = interrupting([gated + 1.0], frozenset())
    instants = set().union(*(leaf.breakpoints(0, 20 * NS) for leaf in found))
    assert instants == {10 * NS, 12 * NS, 13 * NS}
    assert gated.at(Times(np.array([5 * NS, 11 * NS, 15 * NS]))) == pytest.approx([0.0, 1.0, 2.0])
