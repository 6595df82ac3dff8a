"""The surroundings: what varies is exact, what does not is a constant; the station reads the truth with its errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.air import air_density
from components.environment import Environment
from components.gravity import FREE_AIR_GRADIENT, TidalConstituent, local_gravity, principal_tide, tidal_signal, tide
from components.refractive_index import refractive_index
from tests.components.bench import bench, readings
from twin.errors import SimulationError
from twin.fault import FOREVER, PlannedFault
from twin.quadrature import means_by_quadrature
from twin.recorder import Block
from twin.signal import Constant, Signal
from twin.times import NS, Times
from twin.twin import Twin

HOUR = 3600.0
LABELS = {"phase": "weighing", "cycle": 1}
WEATHER = {"temperature": 295.0, "pressure": 98e3, "humidity": 0.4}
VARYING = {
    **WEATHER,
    "temperature_drift": 1e-5,
    "temperature_swing": 0.3,
    "swing_period": 6 * HOUR,
    "pressure_drift": -5e-3,
}
TIDE = [TidalConstituent(amplitude=4e-7, period=44714.16, phase=0.7), TidalConstituent(amplitude=2e-7, period=43200.0)]
T = np.linspace(0.0, 2 * 86400.0, 400)


def signals(*faults: PlannedFault, **parameters: Any) -> dict[str, Signal]:
    room = Environment(**parameters)
    room.plan_faults(faults)
    return room.signals()


def temperature(t: Any) -> Any:
    return 295.0 + 1e-5 * t + 0.3 * np.sin(2 * np.pi * t / (6 * HOUR))


def seen(*faults: PlannedFault, **parameters: Any) -> tuple[Twin, dict[str, Block]]:
    """Ten readings of 1 s each, from 100 s on."""
    station = Environment(**parameters)
    station.plan_faults(faults)
    twin = bench(station)
    twin.clock.run(station.read(readings(1.0, 10, start=100.0), LABELS))
    return twin, {block.quantity: block for block in twin.recorder.readings}


# --- air -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters", [{}, {"pressure": 0.0}, {"pressure": 0.0, "temperature_swing": 1.0}], ids=["air", "vacuum", "swing"]
)
def test_what_does_not_vary_is_a_constant(parameters: dict[str, float]) -> None:
    found = signals(**parameters)
    varying = {"temperature_rise", "temperature"} if "temperature_swing" in parameters else set()
    assert {port for port, signal in found.items() if not isinstance(signal, Constant)} == varying
    if parameters:
        assert found["air_density"](0.0) == 0.0
        assert found["refractive_index"](0.0) == 1.0
    else:
        assert found["air_density"](0.0) == air_density(298.15, 101325.0, 0.5)
        assert found["refractive_index"](0.0) == refractive_index(298.15, 101325.0, 0.5)
    assert set(found) == set(Environment.outputs)


def test_temperature_and_pressure_are_what_is_said() -> None:
    found = signals(**VARYING, reference_temperature=290.0)
    assert found["temperature"](T) == pytest.approx(temperature(T), rel=1e-14)
    assert found["temperature_rise"](T) == pytest.approx(temperature(T) - 290.0, abs=1e-12)
    assert found["pressure"](T) == pytest.approx(98e3 - 5e-3 * T, rel=1e-14)
    assert found["humidity"](T) == pytest.approx(np.full(T.shape, 0.4), rel=1e-15)


def test_temperature_is_a_closed_form_with_exact_means() -> None:
    rise = signals(**VARYING)["temperature_rise"]
    assert rise.closed_form(0, 86400 * NS) is not None
    t, aperture = np.array([1000.0, 7000.0, 90000.0]), 1800.0
    w = 2 * np.pi / (6 * HOUR)
    swing = 0.3 * (np.cos(w * t) - np.cos(w * (t + aperture))) / (w * aperture)
    means = rise.means((t * NS).astype(np.int64), int(aperture * NS))
    assert means == pytest.approx(295.0 - 298.15 + 1e-5 * (t + 0.5 * aperture) + swing, abs=1e-12)


def test_density_and_index_follow_temperature_and_pressure() -> None:
    found, p = signals(**VARYING, co2_fraction=600e-6, wavelength=532e-9), 98e3 - 5e-3 * T
    assert found["air_density"](T) == pytest.approx(air_density(temperature(T), p, 0.4, 600e-6), rel=1e-14)
    index = refractive_index(temperature(T), p, 0.4, 532e-9, 600e-6)
    assert found["refractive_index"](T) - 1 == pytest.approx(index - 1, rel=1e-11)


@pytest.mark.parametrize(("port", "rounding"), [("air_density", 1e-8), ("refractive_index", 2e-7)])
def test_slopes_of_density_and_index_are_those_of_differences_in_time(port: str, rounding: float) -> None:
    signal = signals(**VARYING)[port]
    t, h = np.linspace(1e3, 9e4, 30), 60.0
    near, far = (signal(t + k * h) - signal(t - k * h) for k in (1, 2))
    slope = signal.derivative()(t)
    assert (8 * near - far) / (12 * h) == pytest.approx(slope, abs=rounding * np.abs(slope).max())


def test_air_that_leaves_what_its_equations_hold_for_is_a_clear_error() -> None:
    room = signals(pressure_drift=-1e3)
    with pytest.raises(SimulationError, match=r"Environment: air density: pressure .* check what drifts"):
        room["air_density"](np.array([0.0, 200.0]))
    with pytest.raises(ValidationError, match="vacuum stays vacuum"):
        Environment(pressure=0.0, pressure_drift=1.0)


def test_ideal_is_still_air_less_space_without_tide() -> None:
    ideal = Environment(**VARYING, tide=TIDE, gravity_gradient=-3e-6, gravity_height=1.0, gravity_transfer=1e-6).ideal()
    assert all(isinstance(signal, Constant) for signal in ideal.signals().values())
    assert ideal.vacuum
    assert ideal.tide == []
    assert ideal.signals()["gravity"](0.0) == 9.80665


# --- air conditioning ------------------------------------------------------------------------------------------------


def test_when_the_air_conditioning_fails_the_temperature_climbs_and_stays() -> None:
    fault = PlannedFault("air_conditioning", 1000 * NS, 3000 * NS, 2.0)
    warm, usual = signals(fault, **VARYING), signals(**VARYING)
    climb = 2.0 * np.clip((T - 1000.0) / 2000.0, 0.0, 1.0)
    for port in ("temperature", "temperature_rise"):
        assert warm[port](T) - usual[port](T) == pytest.approx(climb, abs=2e-13)
    edges = np.array([1000 * NS - 1, 1000 * NS, 3000 * NS - 1, 3000 * NS])
    assert warm["temperature"](edges) - usual["temperature"](edges) == pytest.approx([0, 0, 2, 2], abs=1e-11)
    assert warm["air_density"].breakpoints(0, 10_000 * NS) == {1000 * NS, 3000 * NS}
    assert warm["air_density"](5000.0) < usual["air_density"](5000.0)


def test_faults_add_up_and_need_a_duration() -> None:
    first = PlannedFault("air_conditioning", 1000 * NS, 2000 * NS, 2.0)
    second = PlannedFault("air_conditioning", 1500 * NS, 2500 * NS, -1.0)
    rise = signals(first, second)["temperature_rise"]
    assert rise(np.array([1500.0, 2000.0, 3000.0])) == pytest.approx([1.0, 1.5, 1.0], abs=1e-12)
    with pytest.raises(SimulationError, match="air_conditioning needs a duration"):
        signals(PlannedFault("air_conditioning", 1000 * NS, FOREVER, 2.0))


# --- the station -----------------------------------------------------------------------------------------------------


def test_the_station_shows_the_truth_with_its_offsets() -> None:
    offsets = {"temperature_offset": 0.02, "pressure_offset": -12.0, "humidity_offset": 0.03}
    twin, blocks = seen(**VARYING, **offsets)
    t = 100.5 + np.arange(10)
    assert blocks["temperature"].values[0] == pytest.approx(temperature(t) + 0.02, rel=1e-12)
    assert blocks["pressure"].values[0] == pytest.approx(98e3 - 5e-3 * t - 12.0, rel=1e-14)
    assert blocks["humidity"].values[0] == pytest.approx(np.full(10, 0.43), rel=1e-14)
    assert {block.unit for block in blocks.values()} == {"K", "Pa", "1"}
    assert dict(blocks["pressure"].labels) == LABELS
    assert twin.clock.now == 110 * NS
    true = twin.assembly.signals["part.temperature"](t)  # an error of the station does not warm the room
    assert true == pytest.approx(temperature(t), rel=1e-14)


@pytest.mark.parametrize(
    ("kind", "expected"), [("drops", np.nan), ("dead", np.nan), ("zero", 0.0), ("sticks", temperature(102.5))]
)
def test_faults_of_readings(kind: str, expected: float) -> None:
    _, blocks = seen(PlannedFault(kind, 103 * NS, 106 * NS, 1.0), **VARYING)
    shown, usual = blocks["temperature"].values[0], temperature(100.5 + np.arange(10))
    assert shown[3:6] == pytest.approx(np.full(3, expected), rel=1e-12, nan_ok=True)
    assert shown[[0, 1, 2, 6, 7, 8, 9]] == pytest.approx(usual[[0, 1, 2, 6, 7, 8, 9]], rel=1e-12)


@pytest.mark.parametrize(
    ("start", "end", "count"), [(105, 106, 0), (0, 101, 0), (109, 200, 0), (90, 100, 3), (110, 120, 3)]
)
def test_what_is_missing_is_not_recorded(start: int, end: int, count: int) -> None:
    twin, blocks = seen(PlannedFault("missing", start * NS, end * NS, 1.0), **WEATHER)
    assert len(blocks) == count
    assert twin.clock.now == 110 * NS


# --- gravity ---------------------------------------------------------------------------------------------------------


def test_gravity_is_transferred_to_the_mass() -> None:
    found = signals(gravity=9.81, gravity_transfer=2e-6, gravity_gradient=FREE_AIR_GRADIENT, gravity_height=1.5)
    assert found["gravity"](0.0) == 9.81 + 2e-6 - 3.086e-6 * 1.5
    assert local_gravity(9.81, 2e-6, FREE_AIR_GRADIENT, 1.5) == found["gravity"](0.0)


def test_the_tide_is_the_sum_of_its_cosines() -> None:
    found = signals(gravity=9.81, tide=TIDE)["gravity"]
    expected = 4e-7 * np.cos(2 * np.pi * T / 44714.16 + 0.7) + 2e-7 * np.cos(2 * np.pi * T / 43200.0)
    assert tide(T, TIDE) == pytest.approx(expected, abs=1e-20)
    assert found(T) - 9.81 == pytest.approx(expected, abs=4e-15)  # rounding of 9.81
    alone = tidal_signal("tide", TIDE)
    assert alone(T) == pytest.approx(expected, abs=1e-20)
    starts = (T[::40] * NS).astype(np.int64)
    assert alone.means(starts, 600 * NS) == pytest.approx(means_by_quadrature(alone, starts, 600 * NS), abs=1e-20)
    assert alone.closed_form(0, 86400 * NS) is not None


@given(
    st.lists(
        st.builds(
            TidalConstituent,
            amplitude=st.floats(0, 1e-6),
            period=st.sampled_from([12 * HOUR, 44714.16432, 92949.63]),
            phase=st.floats(-7, 7),
        ),
        max_size=4,
    ),
    st.integers(0, 30 * 86400 * NS),
)
def test_the_signal_of_the_tide_is_its_formula(constituents: list[TidalConstituent], instant: int) -> None:
    """Also for constituents of one period, which are added up, and of amplitude zero, which are none."""
    signal = tidal_signal("tide", constituents)
    expected = float(tide(instant / NS, constituents))
    assert float(signal.at(Times(np.array(instant)))) == pytest.approx(expected, abs=2e-19)
    assert isinstance(signal, Constant) or any(c.amplitude for c in constituents)


def test_constituents_are_given_with_units() -> None:
    room = Environment(tide=[{"amplitude": "0.4 um/s^2", "period": "12.42 hour", "phase": "90 deg"}])
    assert room.tide[0].period == pytest.approx(12.42 * HOUR, rel=1e-14)
    assert float(room.signals()["gravity"](HOUR)) - 9.80665 == pytest.approx(
        -4e-7 * np.sin(2 * np.pi / 12.42), abs=2e-15
    )
    with pytest.raises(ValidationError):
        TidalConstituent(amplitude=1e-7, period=0.0)


def test_principal_tides() -> None:
    """At 48.3° by hand: 2 D/a = 0.8227 µm/s², times 0.37689 · 1.154 · sin 96.6° or 0.90812 · 1.160 · cos² 48.3°."""
    here = principal_tide(np.radians(48.3))
    assert here["O1"].amplitude == pytest.approx(0.3554e-6, rel=2e-3)
    assert here["M2"].amplitude == pytest.approx(0.3835e-6, rel=2e-3)
    assert here["K1"].amplitude / here["O1"].amplitude == pytest.approx(1.386, rel=1e-3)
    assert here["S2"].amplitude / here["M2"].amplitude == pytest.approx(0.4656, rel=1e-3)
    equator, pole = principal_tide(0.0), principal_tide(0.5 * np.pi)
    assert equator["O1"].amplitude == equator["K1"].amplitude == 0.0
    assert all(c.amplitude < 1e-20 for c in pole.values())
    assert principal_tide(-0.8) == principal_tide(0.8)


def test_the_equations_of_the_air_may_be_in_error() -> None:
    """By a share of the density, and by a step of the index; neither reaches into a vacuum."""
    plain = Environment().signals()
    off = Environment(air_density_error=1e-3, refractive_index_error=1e-6).signals()
    assert off["air_density"](0.0) == pytest.approx(plain["air_density"](0.0) * 1.001, rel=1e-14)
    assert off["refractive_index"](0.0) - plain["refractive_index"](0.0) == pytest.approx(1e-6, rel=1e-9)
    empty = Environment(pressure=0.0, air_density_error=1e-3, refractive_index_error=1e-6).signals()
    assert empty["air_density"](0.0) == 0.0
    assert empty["refractive_index"](0.0) == 1.0
