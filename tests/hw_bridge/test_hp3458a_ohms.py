"""Resistance with four wires, of a sensor at the terminals of a multimeter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.platinum import ICE_POINT, resistance
from tests.hw_bridge.station import Client, Station


@pytest.fixture
def thermometer(shared_station: Station) -> Client:
    """A client of the meter with the sensor of the magnet at its terminals."""
    client = shared_station.client("magnet_thermometer")
    client.write("RESET;TARM HOLD;TRIG AUTO;END ALWAYS")
    return client


def test_a_sensor_has_its_resistance_with_four_wires(shared_station: Station, thermometer: Client) -> None:
    """As the inverse of Callendar and Van Dusen has it, of what the twin's thermometer shows."""
    part: Any = shared_station.core("magnet_thermometer").meter
    rise = float(part._indicated(np.zeros(1))[0])
    meant = float(resistance(rise + part.reference_temperature - ICE_POINT, part.ice_resistance))
    assert thermometer.query("FUNC?").startswith("1, ") and float(thermometer.query("NPLC 10;TARM SGL")) == 0.0
    assert float(thermometer.query("OHMF 100;NPLC 100;TARM SGL")) == pytest.approx(meant, abs=0.01)
    assert thermometer.query("FUNC?") == "5, 1.000000000E+02"
    assert thermometer.query("OHMF 10;TARM SGL").startswith(" 1.0000000"), "overload"
    assert float(thermometer.query("FUNC 5;TARM SGL")) == pytest.approx(meant, abs=0.01), "auto-range"
    assert thermometer.query("RANGE?") == "1.000000000E+02" and thermometer.query("ERR?") == "0"
    assert thermometer.query("RESET;TARM HOLD;FUNC?").startswith("1, ")


def test_offset_compensation_takes_its_time(shared_station: Station, thermometer: Client) -> None:
    def lasts(message: str) -> float:
        before = shared_station.clock.now
        thermometer.write(f"OHMF 100;NPLC 10;AZERO OFF;{message};MEM FIFO;NRDGS 20,AUTO;TARM SGL")
        return (shared_station.clock.now - before) / 1e9

    plain, compensated = lasts("OCOMP OFF"), lasts("OCOMP ON")
    assert thermometer.query("OCOMP?") == "1"
    assert compensated - plain == pytest.approx(19 * 0.2, rel=1e-3)
