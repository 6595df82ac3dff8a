"""The circuit obeys Kirchhoff, and what it does to current and voltage cancels in the mass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.circuit import Circuit
from components.current_source import CurrentSource
from components.servo import IdealServo
from tests.components.bench import bench, path
from tests.components.bench import given as source_of
from twin.component import Component, LinearComponent, Port, StateSpace
from twin.errors import ComponentError, WiringError
from twin.piece import constant, harmonics, polynomial
from twin.shifted import Delayed, Rate
from twin.signal import Elapsed, Signal
from twin.times import NS
from twin.twin import Twin

LEAKAGES = st.floats(1e-12, 1e-3)
RESISTANCES = st.floats(1.0, 1e5)


def outputs(part: Circuit, t: Any = 1.0, **inputs: Any) -> dict[str, Any]:
    twin = bench(part, **inputs)
    return {port: twin.signal(f"part.{port}")(t) for port in Circuit.outputs}


# --- statics ---------------------------------------------------------------------------------------------------------


def test_without_effects_the_circuit_is_a_wire() -> None:
    inputs = {
        "source_current": path(constant(3.5e-3, 0)) + Elapsed(),
        "coil_voltage": path(constant(0.4, 0)) + Elapsed(),
        "coil_resistance": path(constant(2400.0, 0)) + Elapsed(),
    }
    twin = bench(Circuit(nominal_resistance=2400.0), **inputs)
    assert twin.signal("part.coil_current") is inputs["source_current"]
    assert twin.signal("part.voltage") is inputs["coil_voltage"]
    assert twin.signal("part.source_resistance") is inputs["coil_resistance"]


@given(LEAKAGES, RESISTANCES, st.floats(-0.02, 0.02), st.floats(-2.0, 2.0))
def test_the_terminals_obey_kirchhoff(leakage: float, resistance: float, current: float, emf: float) -> None:
    coil = current / (1 + leakage * resistance)
    found = outputs(
        Circuit(leakage=leakage),
        source_current=current,
        coil_voltage=emf + coil * resistance,
        coil_resistance=resistance,
    )
    # Σ I = 0 at the terminals: I_source = G U + (U − EMF)/R.
    terminals = found["voltage"]
    scale = abs(current) + abs(emf) / resistance + 1e-30
    assert leakage * terminals + (terminals - emf) / resistance == pytest.approx(current, abs=4e-15 * scale)
    assert found["coil_current"] == pytest.approx(coil, rel=1e-15)


@pytest.mark.parametrize("leakage", [1e-9, 1e-6])
def test_a_moving_coil_is_a_source_with_the_resistance_of_coil_and_leakage_in_parallel(leakage: float) -> None:
    def loaded(load: float) -> Any:
        return outputs(Circuit(leakage=leakage + load), source_current=0.0, coil_voltage=1.4, coil_resistance=2400.0)

    free, load = loaded(0.0), 1e-8
    with_load = free["voltage"] / (1 + load * free["source_resistance"])
    assert loaded(load)["voltage"] == pytest.approx(with_load, rel=1e-15)


def test_leads_are_between_the_coil_and_the_meter() -> None:
    found = outputs(
        Circuit(lead_resistance=3.0, leakage=1e-5), source_current=1e-3, coil_voltage=0.5, coil_resistance=1000.0
    )
    assert found["source_resistance"] == pytest.approx(1000.0 / 1.01 + 3.0, rel=1e-15)
    assert found["coil_current"] == pytest.approx(1e-3 / 1.01, rel=1e-15)


def test_a_thermal_emf_adds_whatever_the_direction_of_the_motion() -> None:
    t = np.array([0.0, 100.0])
    part = Circuit(thermal_emf=1e-6, thermal_emf_drift=2e-9)
    for emf in (0.4, -0.4):
        found = outputs(part, t, source_current=0.0, coil_voltage=emf, coil_resistance=400.0)
        assert found["voltage"] - emf == pytest.approx(1e-6 + 2e-9 * t, abs=1e-16)


# --- readings --------------------------------------------------------------------------------------------------------


def test_a_loaded_voltage_is_still_a_flux_difference() -> None:
    flux = path(polynomial([0.0, 0.4, 0.1], 0, 10 * NS), polynomial([14.0, -0.4], 10 * NS, 30 * NS))  # it jumps back
    resistance, leakage = 2400.0 + 3.0 * Elapsed(), 1e-6
    twin = bench(Circuit(leakage=leakage), source_current=0.0, coil_voltage=Rate(flux), coil_resistance=resistance)
    starts = NS * np.arange(0, 20, 2)
    differences = flux(starts + 2 * NS) - flux(starts)
    middle = 2400.0 + 3.0 * (starts / NS + 1.0)
    voltage = twin.signal("part.voltage").means(starts[:, None], 2 * NS)[:, 0]  # bursts of one reading
    assert voltage == pytest.approx(differences / 2.0 / (1 + leakage * middle), rel=1e-15)


def test_what_varies_within_an_aperture_is_below_the_stated_bound() -> None:
    leakage, aperture = 1e-4, 2 * NS
    emf, resistance = path(polynomial([0.4, 0.3], 0, 100 * NS)), path(polynomial([2400.0, 90.0], 0, 100 * NS))
    twin = bench(Circuit(leakage=leakage), source_current=0.0, coil_voltage=emf, coil_resistance=resistance)
    voltage = twin.signal("part.voltage")
    starts = NS * np.arange(0, 40, 2)
    inside = starts[:, None] + (np.arange(2000) + 0.5) * (aperture / 2000)
    exact = voltage(inside / NS).mean(axis=1)
    error = np.abs(voltage.means(starts[:, None], aperture)[:, 0] - exact)
    assert 0 < error.max() <= leakage * (90.0 * 2) * (0.3 * 2) / 12
    burst = np.abs(voltage.means(starts[None, :10], aperture)[0] - exact[:10])
    assert error.max() < burst.max() <= leakage * (90.0 * 20) * (0.4 + 0.3 * 20)


# --- capacitance -----------------------------------------------------------------------------------------------------


def test_the_capacitance_delays_the_voltage() -> None:
    part = Circuit(capacitance=2e-9, nominal_resistance=2400.0)
    voltage = path(harmonics(0.0, {1: 0.4}, 0, 100 * NS))
    found = bench(part, source_current=0.0, coil_voltage=voltage, coil_resistance=2500.0).signal("part.voltage")
    t = NS * np.arange(1, 50) + 123_456_789
    assert np.array_equal(found(t), voltage(t - 4800))
    assert np.array_equal(found.means(t, NS // 10), voltage.means(t - 4800, NS // 10))


def test_what_a_delay_leaves_out_of_the_network_is_of_second_order() -> None:
    tau = Circuit(capacitance=1e-9, nominal_resistance=1000.0).delay
    for omega in (1e4, 1e5):
        network, delay = 1 / (1 + 1j * omega * tau), np.exp(-1j * omega * tau)
        assert abs(network - delay) == pytest.approx(0.5 * (omega * tau) ** 2, rel=0.1)


def test_a_leakage_shortens_the_delay() -> None:
    part = Circuit(capacitance=1e-6, nominal_resistance=1000.0, leakage=1e-3, inductance=20.0)
    assert part.delay == pytest.approx(1e-6 / (1e-3 + 1 / 1000.0), rel=1e-15)
    assert part.curvature == pytest.approx(20.0 * 1e-6 / 2.0 - 0.5 * part.delay**2, rel=1e-15)


def after(part: Circuit, voltage: Signal) -> Signal:
    return bench(part, source_current=0.0, coil_voltage=voltage, coil_resistance=2400.0).signal("part.voltage")


@pytest.mark.parametrize("order", range(1, 10))
@pytest.mark.parametrize(("capacitance", "resistance"), [(1e-9, 2400.0), (1e-8, 240000.0)])  # L C and ½ τ² prevail
def test_the_inductance_completes_the_network_to_second_order(
    order: int, capacitance: float, resistance: float
) -> None:
    inductance, omega = 19.2, 2 * np.pi * order
    part = Circuit(capacitance=capacitance, nominal_resistance=resistance, inductance=inductance)
    wave = path(harmonics(0.0, {order: 1.0}, 0, 100 * NS))
    t = NS + NS // 32 * np.arange(64)
    base = np.exp(1j * omega * t / NS)
    found, put_in = (np.linalg.lstsq(np.column_stack([base.real, -base.imag]), y, rcond=None)[0] for y in
                     (after(part, wave)(t), wave(t)))  # fmt: skip
    response = complex(*found) / complex(*put_in)
    tau, resonance = resistance * capacitance, inductance * capacitance
    network = 1 / (1 + 1j * omega * tau - omega**2 * resonance)
    second = omega**2 * (resonance + tau**2)
    amplitude, phase = abs(response) - abs(network), np.angle(response / network)
    assert abs(amplitude) <= omega**2 * abs(part.curvature) * (omega * 5e-4) ** 2 / 12 * 1.1 + 3e-14 + second**2
    assert phase == pytest.approx(omega**3 * tau * (resonance - tau**2 / 3), rel=0.05, abs=1e-13)


def test_behind_an_inductance_a_reading_is_still_a_flux_difference() -> None:
    flux = path(harmonics(0.0, {1: 0.4, 9: 0.01}, 0, 100 * NS))
    part = Circuit(capacitance=1e-9, nominal_resistance=2400.0, inductance=19.2)
    starts, step, delay = NS * np.arange(2, 20) + 123_456_789, NS // 40, 2400

    def linkage(t: Any) -> Any:
        share = part.curvature / 5e-4**2
        now, before, later = (flux(t - delay - by) for by in (0, 500_000, -500_000))
        return now + share * (2 * now - before - later)

    differences = (linkage(starts + step) - linkage(starts)) / (step / NS)
    assert after(part, Rate(flux)).means(starts[:, None], step)[:, 0] == pytest.approx(
        differences, rel=1e-12, abs=1e-13
    )


def test_an_inductance_acts_on_a_capacitance_only() -> None:
    voltage = path(harmonics(0.0, {1: 0.4}, 0, 100 * NS))
    assert after(Circuit(inductance=19.2, nominal_resistance=2400.0), voltage) is voltage
    delayed = after(Circuit(capacitance=1e-9, nominal_resistance=2400.0), voltage)
    assert isinstance(delayed, Delayed)


def test_a_capacitance_asks_for_the_resistance_and_both_scale() -> None:
    with pytest.raises(ValidationError, match="nominal_resistance"):
        Circuit(capacitance=1e-9)
    scaled = Circuit(capacitance=1e-9, nominal_resistance=600.0, lead_resistance=1.0, inductance=80.0).scaled(0.25)
    assert (scaled.nominal_resistance, scaled.capacitance, scaled.lead_resistance) == (2400.0, 1e-9, 1.0)
    assert scaled.inductance == 20.0


# --- in the balance --------------------------------------------------------------------------------------------------


class Winding(Component):
    """A coil in a uniform gap: ``F = Bl I``, ``U = Bl v + R I``, R as warm as its power makes it."""

    inputs: ClassVar[Mapping[str, Port]] = {"current": Port("A"), "velocity": Port("m/s"), "rise": Port("K")}
    outputs: ClassVar[Mapping[str, Port]] = {
        "force": Port("N"),
        "voltage": Port("V"),
        "resistance": Port("ohm"),
        "power": Port("W"),
    }
    depends: ClassVar[Mapping[str, frozenset[str]]] = {"resistance": frozenset({"rise"})}
    bl: float = 700.0

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        current, resistance = inputs["current"], 600.0 * (1.0 + 3.93e-3 * inputs["rise"])
        drop = current * resistance
        voltage = self.bl * inputs["velocity"] + drop
        return {"force": self.bl * current, "voltage": voltage, "resistance": resistance, "power": current * drop}


class Copper(LinearComponent):
    """The temperature of the winding: 200 s, 30 K/W."""

    inputs: ClassVar[Mapping[str, Port]] = {"power": Port("W")}
    outputs: ClassVar[Mapping[str, Port]] = {"rise": Port("K")}

    def state_space(self) -> StateSpace:
        return StateSpace(np.array([[-1 / 200]]), np.array([[30 / 200]]), np.eye(1), np.zeros((1, 1)), np.array([2.0]))


WIRING = {
    "servo.required_force": "load.y",
    "servo.coil_force": "coil.force",
    "source.demand": "servo.demand",
    "source.load_resistance": "circuit.source_resistance",
    "circuit.source_current": "source.current",
    "circuit.coil_voltage": "coil.voltage",
    "circuit.coil_resistance": "coil.resistance",
    "coil.current": "circuit.coil_current",
    "coil.velocity": "motion.y",
    "coil.rise": "copper.rise",
    "copper.power": "coil.power",
}


def balance(**parameters: Any) -> Twin:
    parts = {
        "servo": IdealServo(),
        "source": CurrentSource(compliance_voltage=10.0),
        "circuit": Circuit(**parameters),
        "coil": Winding(),
        "copper": Copper(),
        "load": source_of(4.9, Port("N")),
        "motion": source_of(path(constant(0.0, 0, 100 * NS), constant(2e-3, 100 * NS, 200 * NS)), Port("m/s")),
    }
    twin = Twin(parts, WIRING)

    def weigh_and_move() -> Any:
        parts["source"].connect()
        yield from parts["servo"].engage(1.0)
        yield twin.clock.until(98 * NS)
        yield from parts["servo"].release(1.0)
        parts["source"].disconnect()
        yield twin.clock.until(200 * NS)

    twin.clock.run(weigh_and_move())
    return twin


@pytest.mark.parametrize("leakage", [1e-9, 1e-6])
def test_a_leakage_changes_current_and_voltage_but_not_the_mass(leakage: float) -> None:
    tight, leaky = balance(), balance(leakage=leakage)
    current = [twin.signal("source.current")(90.0) for twin in (tight, leaky)]
    voltage = [twin.signal("circuit.voltage").mean(150.0, 151.0) for twin in (tight, leaky)]
    loading = [leakage * leaky.signal("coil.resistance")(t) for t in (90.0, 150.5)]
    assert current[1] / current[0] - 1 == pytest.approx(loading[0], rel=1e-6)
    assert voltage[1] / voltage[0] - 1 == pytest.approx(-loading[1], rel=1e-3)
    mass = [i * u / 2e-3 for i, u in zip(current, voltage, strict=True)]
    # What is left is what the coil has cooled by between the phases.
    assert mass[1] / mass[0] - 1 == pytest.approx(loading[0] - loading[1], abs=1e-15 + 0.01 * leakage)
    assert tight.signal("coil.force")(90.0) == pytest.approx(4.9, rel=1e-14)
    assert leaky.signal("coil.force")(90.0) == pytest.approx(4.9, rel=1e-14)


def test_the_load_of_the_source_is_looked_at_although_it_follows_the_coil() -> None:
    twin = balance(lead_resistance=1.0)
    source = twin.graph.components["source"]
    source.check(10 * NS, 90 * NS)  # 7 mA through 600 Ω are 4.2 V
    assert source._load_resistance is not None
    assert source._load_resistance(50.0) == twin.signal("circuit.source_resistance")(50.0)


def test_a_loop_without_state_through_the_resistance_is_still_found() -> None:
    class ThinCopper(Component):
        inputs: ClassVar[Mapping[str, Port]] = {"power": Port("W")}
        outputs: ClassVar[Mapping[str, Port]] = {"rise": Port("K")}

        def signals(self, **inputs: Signal) -> dict[str, Signal]:
            return {"rise": 30.0 * inputs["power"]}

    parts = {"circuit": Circuit(), "coil": Winding(), "copper": ThinCopper()}
    wiring = {to: by for to, by in WIRING.items() if to.split(".")[0] in parts and by.split(".")[0] in parts}
    parts |= {"source": source_of(1e-3, Port("A")), "motion": source_of(0.0, Port("m/s"))}
    with pytest.raises(WiringError, match=r"loop without state: .*coil → copper"):
        Twin(parts, {**wiring, "circuit.source_current": "source.y", "coil.velocity": "motion.y"})


def test_an_output_that_depends_on_more_than_declared_is_an_error() -> None:
    class Wrong(Winding):
        depends: ClassVar[Mapping[str, frozenset[str]]] = {"power": frozenset({"rise"})}

    with pytest.raises(ComponentError, match=r"part\.power is declared to depend on rise alone, but follows .*current"):
        bench(Wrong(), current=1e-3, velocity=0.0, rise=0.0)
