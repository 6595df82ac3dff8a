"""The twin behind the instruments: physics is shared, nobody else operates it, and time passes as it is told."""

from __future__ import annotations

import numpy as np
import pytest

import scenarios
from components.ranged_source import RangedSource
from components.ranged_voltmeter import RangedVoltmeter
from hw_bridge.operated import operated
from hw_bridge.served import ServedTwin
from tests.hw_bridge.station import LUMPED, Station
from tests.hw_bridge.wired import Wired
from twin.real_time import RealTimeClock
from twin.times import NS

COIL, RESISTOR = 2400.0, 1000.0


def driven(station: Station, current: float = 3e-3) -> None:
    station.client("current_source").write(f"*RST;CURR:RANG 2e-2;:CURR:COMP 105;:CURR {current};:OUTP ON")


def test_what_the_source_drives_the_meters_read() -> None:
    station = Station(balance__circuit__leakage=0.0)
    meters = [station.client(name) for name in ("current_voltmeter", "induced_voltmeter")]
    for meter in meters:
        meter.write("DCV 10;NPLC 10;END ALWAYS")
    for current in (3e-3, -2e-3):
        driven(station, current)
        across_resistor, across_coil = (float(meter.read()) for meter in meters)
        assert across_resistor == pytest.approx(RESISTOR * current, rel=5e-4)
        assert across_coil == pytest.approx(COIL * current, rel=5e-4)
    station.client("current_source").write("OUTP OFF")
    assert abs(float(meters[0].read())) < 1e-5
    assert abs(float(meters[1].read())) < 1e-3, "the ground shakes the coil"


def test_the_coil_heats_and_so_does_the_magnet() -> None:
    """P = R I² into a coil of 30 J/K: its resistance tells, by 3.9e-3 a kelvin."""
    station = Station()
    meter = station.client("induced_voltmeter")
    meter.write("DCV 10;NPLC 10;END ALWAYS")
    driven(station)
    cold = float(meter.read())
    temperature = station.served.twin.signal("thermal_mass.coil_temperature_rise")
    magnet = station.served.twin.signal("thermal_mass.magnet_temperature_rise")
    station.wait(3600.0)
    rise = float(temperature(np.array([station.clock.now]))[0])
    assert 0.05 < rise < COIL * 3e-3**2 / 0.05 * 1.2
    assert float(meter.read()) / cold - 1.0 == pytest.approx(3.93e-3 * rise, rel=2e-2)
    assert 0.0 < float(magnet(np.array([station.clock.now]))[0]) < rise


def test_the_compliance_voltage_drives_resistor_and_coil() -> None:
    """10 V through 1 kohm, 2.4 kohm and the leads are 2.94 mA."""
    station = Station()
    source, meter = station.client("current_source"), station.client("current_voltmeter")
    meter.write("DCV 10;NPLC 10;END ALWAYS")
    source.write("*RST;CURR:RANG 2e-2;:CURR 10e-3;:OUTP ON")
    assert source.query("STAT:MEAS:COND?") == "8"
    assert float(meter.read()) == pytest.approx(RESISTOR * 10.0 / (RESISTOR + COIL + 0.5), rel=1e-3)


def test_a_servo_with_a_sensor_of_its_own_is_left_out_and_the_rest_stays() -> None:
    experiment = scenarios.load("kbmini_tmtp_servo").with_(LUMPED)
    parts, wiring = operated(experiment.scenario.components(), experiment.scenario.wiring)
    assert "servo" not in parts and not [ends for ends in wiring.items() if "servo." in " ".join(ends)]
    assert isinstance(parts["current_source"], RangedSource)
    assert isinstance(parts["induced_voltmeter"], RangedVoltmeter)
    assert parts["induced_voltmeter"].gain == experiment.scenario.components()["induced_voltmeter"].gain
    assert [row.digits for row in parts["induced_voltmeter"].digits] == [4.5, 5.5, 6.5, 7.5, 8.5]


@pytest.mark.parametrize("name", ["kbmini_omtp", "kbmini_oscillating", "moving_mode"])
def test_other_balances_are_served_too(name: str) -> None:
    clock = RealTimeClock(None)
    served = ServedTwin(scenarios.load(name).scenario, clock)
    models = {"Keithley 6221", "HP 3458A", "PI GCS", "scanner", "sampler", "servo controller"}
    assert {i.core.model for i in served.instruments} == models
    for instrument in served.instruments:
        if instrument.core.model == "HP 3458A":
            session = instrument.core.open()
            clock.run(session.accept(b"ARANGE ON;NPLC 1;END ALWAYS", True))
            assert abs(float(clock.run(session.read(100, NS, 10)).data)) < 1.0


def test_an_ideal_servo_is_there_and_demands_nothing_until_it_is_told_to() -> None:
    station = Station()
    assert station.served.twin.graph.wiring["current_source.servo"] == "servo.demand"
    meter = station.client("current_voltmeter")
    meter.write("DCV 10;NPLC 10;END ALWAYS")
    driven(station)
    assert float(meter.read()) == pytest.approx(RESISTOR * 3e-3, rel=5e-4)


def test_what_is_planned_to_go_wrong_does() -> None:
    fault = {"component": "current_voltmeter", "fault": "zero", "time": "10 s", "duration": "5 s"}
    station = Station(faults={"gone": fault})
    meter = station.client("current_voltmeter")
    meter.write("DCV 10;NPLC 10;END ALWAYS")
    driven(station)
    shown = {}
    for second in (1, 11, 16):
        station.wait(second - station.clock.seconds)
        shown[second] = round(float(meter.read()), 1)
    assert shown == {1: 3.0, 11: 0.0, 16: 3.0}


def test_the_same_seed_and_the_same_questions_give_the_same_answers() -> None:
    def answers() -> list[str]:
        station = Station()
        driven(station)
        meter = station.client("current_voltmeter")
        meter.write("DCV 10;NPLC 10;END ALWAYS")
        return [meter.read().decode() for _ in range(5)]

    first = answers()
    assert first == answers() and len(set(first)) == 5


def test_time_can_pass_a_thousand_times_as_fast() -> None:
    """A reading of 100 s is there after a tenth of a second and what the machine needs."""
    with Wired(scale=1000.0) as wired, wired.connect("socket", "current_voltmeter") as meter:
        meter.send(b"TARM HOLD;TRIG AUTO;DCV 10;AZERO OFF;NPLC 1000;NRDGS 5,AUTO;TARM SGL\n")
        assert all(abs(float(meter.line())) < 1e-3 for _ in range(5))
        assert wired.station.clock.seconds > 100.0
        assert wired.station.clock.lag.events > 0
