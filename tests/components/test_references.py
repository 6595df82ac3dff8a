"""Standard resistor and voltage reference: what their values depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.resistor import Resistor
from components.voltage_reference import VoltageReference
from tests.components.bench import allan_deviation, bench, path
from twin.component import Component
from twin.composition import Product
from twin.fault import PlannedFault
from twin.piece import ramp
from twin.signal import Constant, Elapsed
from twin.times import NS


def output(part: Component, port: str, times: Any, **inputs: Any) -> Any:
    return bench(part, **inputs).signal(f"part.{port}")(times)


# --- resistor --------------------------------------------------------------------------------------------------------


def test_a_resistor_obeys_ohm_with_gain_drift_and_offset() -> None:
    times = np.array([0.0, 1e4, 3e4])
    assert output(Resistor(resistance=100.0), "voltage", times, current=0.02) == pytest.approx(
        np.full(3, 2.0), rel=1e-15
    )
    real = Resistor(resistance=100.0, gain=2e-6, drift=1e-9, offset=3e-6)
    exact = 100.0 * (1 + 2e-6 + 1e-9 * times) * -0.02 + 3e-6
    assert output(real, "voltage", times, current=-0.02) == pytest.approx(exact, rel=1e-15)


def test_temperature_and_power_change_the_resistance() -> None:
    real = Resistor(resistance=1000.0, temperature_coefficient=2e-6, power_coefficient=5e-5)
    for current in (3.5e-3, -3.5e-3):
        power = 1000.0 * current**2
        factor = 1 + 2e-6 * 0.7 + 5e-5 * power
        found = {
            port: output(real, port, 5.0, current=current, temperature_rise=0.7) for port in ("voltage", "resistance")
        }
        exact = {"voltage": 1000.0 * current * factor, "resistance": 1000.0 * factor}
        assert found == pytest.approx(exact, rel=1e-15)
    assert output(real, "resistance", 5.0, current=3.5e-3) - 1000.0 == pytest.approx(1000.0 * 5e-5 * 0.01225, rel=1e-6)


def test_a_certificate_resistor_is_a_number_times_the_current() -> None:
    current = path(ramp(0.0, 1e-3, 0, NS))
    twin = bench(Resistor(resistance=100.0), current=current, temperature_rise=Elapsed())
    resistance, voltage = twin.signal("part.resistance"), twin.signal("part.voltage")
    assert isinstance(resistance, Constant) and resistance.value == 100.0
    assert not isinstance(voltage, Product) and voltage.leaves == current.leaves


def test_the_noise_of_a_current_makes_a_voltage_across_the_resistor() -> None:
    voltage = output(Resistor(resistance=50.0), "voltage", np.array([1.0, 2.0]), current=0.0, current_noise=Elapsed())
    assert voltage == pytest.approx([50.0, 100.0], rel=1e-15)


# --- voltage reference -----------------------------------------------------------------------------------------------


def test_a_reference_gives_its_voltage_with_gain_and_offset() -> None:
    assert output(VoltageReference(voltage=10.0), "voltage", 7.0) == 10.0
    assert output(VoltageReference(voltage=10.0, gain=2e-6, offset=5e-6), "voltage", 7.0) == pytest.approx(
        10.000025, rel=1e-15
    )


def test_a_reference_follows_time_pressure_and_temperature() -> None:
    real = VoltageReference(
        drift=3.2e-15, pressure_coefficient=1.8e-11, temperature_coefficient=1e-8, reference_pressure=100e3
    )
    t = np.array([0.0, 1e7])
    found = output(real, "voltage", t, pressure=98e3, temperature_rise=0.5)
    assert found / 10.0 - 1 == pytest.approx(3.2e-15 * t - 2000 * 1.8e-11 + 0.5e-8, abs=3e-16)
    # Not wired, the pressure is that of the standard atmosphere.
    unwired = output(real, "voltage", 0.0)
    assert unwired / 10.0 - 1 == pytest.approx(1325 * 1.8e-11, abs=3e-16)


def test_surroundings_without_coefficients_leave_no_trace() -> None:
    twin = bench(VoltageReference(), pressure=Elapsed(), temperature_rise=Elapsed())
    voltage = twin.signal("part.voltage")
    assert isinstance(voltage, Constant) and voltage.value == 10.0


def test_a_step_lasts_as_long_as_planned() -> None:
    reference = VoltageReference()
    reference.plan_faults([PlannedFault("step", 2 * NS, 5 * NS, 1e-6), PlannedFault("step", 4 * NS, 9 * NS, 2e-6)])
    found = output(reference, "voltage", np.array([1.0, 2.0, 4.5, 5.0, 8.9, 9.0]))
    assert found / 10.0 - 1 == pytest.approx([0.0, 1e-6, 3e-6, 2e-6, 2e-6, 0.0], abs=3e-16)


def test_a_limit_at_99_percent_is_converted() -> None:
    reference = VoltageReference(uncertainties={"voltage": {"size": "0.1 ppm", "confidence": 0.99}})
    assert reference.standard_uncertainty("voltage") == pytest.approx(10.0 * 0.1e-6 / 2.5758, rel=1e-4)


def test_the_allan_deviation_of_a_zener_stops_at_its_floor() -> None:
    floor = 5e-9
    reference = VoltageReference(white_noise=60e-9, flicker_noise=10.0 * floor / np.sqrt(2 * np.log(2)), noise_step=1.0)
    signal = bench(reference).signal("part.voltage")
    values = signal.means(NS * np.arange(2**16), NS) / 10.0
    white = 60e-10 / np.sqrt(2)
    for averaged in (1, 4, 16, 64, 256):
        exact = np.hypot(floor, white / np.sqrt(averaged))
        assert allan_deviation(values, averaged) == pytest.approx(exact, rel=4 * np.sqrt(averaged / values.size) + 0.02)
