"""Instruments as what others follow: the truth in a simulation, and what they are told in the place of a real one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.displacement_sensor import DisplacementSensor
from components.environment import Environment
from components.external_flux import ExternalFlux
from components.external_source import FarEnd
from components.fed import Fed
from components.fluxgate import Fluxgate
from components.interferometer import Interferometer
from components.position_detector import PositionDetector
from components.shunt import Shunt
from components.thermometer import Thermometer
from components.voltmeter import Voltmeter
from tests.components.bench import bench, path
from twin.errors import WiringError
from twin.piece import constant, polynomial, ramp
from twin.signal import Constant, Signal
from twin.timeline import Timeline
from twin.times import NS
from twin.told import Told

WAY = path(polynomial([0.0, 2e-3, -1e-4], 0, 20 * NS))
T = np.array([0.5, 4.0, 9.5])

MEASURED: list[tuple[Fed, str, str]] = [
    (Thermometer(gain=1e-3, offset=0.1, white_noise=1.0, self_heating=2.0), "temperature_rise", "temperature_rise"),
    (Interferometer(gain=1e-3, dead_path=0.1, nonlinearity=1e-9), "position", "position"),
    (DisplacementSensor(lever=5.0, gain=0.1, nonlinearity=3.0, range=1e-9), "position", "position"),
    (Fluxgate(offset=8e-6, range=1e-9), "field", "field"),
    (Voltmeter(gain=1e-3, bias_current=1e-9, input_conductance=1e-6), "input", "voltage"),
    *((PositionDetector(gain=0.1), port, port) for port in ("x", "y", "theta_x", "theta_y")),
]


@pytest.mark.parametrize(("part", "port", "output"), MEASURED, ids=lambda value: str(getattr(value, "name", value)))
def test_an_output_is_what_is_measured_without_errors(part: Fed, port: str, output: str) -> None:
    twin = bench(part.fresh(), **{port: WAY})
    assert twin.signal(f"part.{output}") is twin.signal(f"given_{port}.y"), "to the last bit, and at no cost"


@pytest.mark.parametrize(("part", "port", "output"), MEASURED, ids=lambda value: str(getattr(value, "name", value)))
def test_what_is_told_holds_from_then_on(part: Fed, port: str, output: str) -> None:
    made: Any = part.fresh()
    made.feed(output)
    twin = bench(made, **{port: WAY})
    followed = twin.signal(f"part.{output}")
    assert followed(T) == pytest.approx(WAY(T), rel=1e-15)
    made.tell(output, ramp(1e-3, 3e-3, 4 * NS, 6 * NS))
    over = 5.0 if isinstance(made, DisplacementSensor) else 1.0
    assert followed(np.array([3.9])) == pytest.approx(WAY(np.array([3.9])), rel=1e-15)
    assert followed(np.array([4.0, 5.0, 9.0])) == pytest.approx(np.array([1e-3, 2e-3, 3e-3]) / over, rel=1e-14)
    assert followed.derivative()(np.array([3.0, 5.0, 9.0])) == pytest.approx(
        [float(WAY.derivative()(3.0)), 1e-3 / over, 0.0], rel=1e-12
    )


def test_a_length_is_what_an_interferometer_shows_over_the_index_from_the_reference_mirror() -> None:
    part = Interferometer(verticality_x=0.02)
    part.feed("position")
    twin = bench(part, position=0.0, reference=1e-4, refractive_index=1.00027)
    part.tell("position", constant(2e-3, 0))
    followed = float(twin.signal("part.position")(1.0))
    again = bench(Interferometer(verticality_x=0.02), position=followed, reference=1e-4, refractive_index=1.00027)
    path_length = again.graph.components["part"]._path  # type: ignore[attr-defined]
    assert float(path_length(1.0)) == pytest.approx(2e-3, rel=1e-14), "then it shows what was read"


def test_air_follows_what_a_station_is_told() -> None:
    room = Environment(temperature=298.15, pressure=101325.0, temperature_swing=0.5)
    room.feed("temperature")
    twin = bench(room, "room")
    before, swinging = twin.signal("room.air_density")(10.0), twin.signal("room.temperature")(10.0)
    room.tell("temperature", constant(295.0, 20 * NS))
    assert twin.signal("room.air_density")(10.0) == before and swinging != 298.15
    still = bench(Environment(temperature=295.0, pressure=101325.0), "room")
    assert twin.signal("room.air_density")(30.0) == pytest.approx(still.signal("room.air_density")(0.0), rel=1e-15)
    assert twin.signal("room.temperature_rise")(30.0) == pytest.approx(-3.15, abs=1e-12)
    assert twin.signal("room.pressure")(30.0) == 101325.0


def test_telling_the_same_again_leaves_no_trace() -> None:
    part = Thermometer()
    part.feed("temperature_rise")
    twin = bench(part, temperature_rise=0.0)
    told = list[str]()
    twin.bench.told = lambda instrument, timeline, laws: told.append(timeline)
    for second in (1, 2, 3):
        part.tell("temperature_rise", constant(1.0, second * NS))
    assert told == ["knows_temperature_rise", "told_temperature_rise"]


def test_a_shunt_gives_the_current_back() -> None:
    twin = bench(Shunt(), voltage=path(ramp(0.0, 3.0, 0, 10 * NS)), resistance=1500.0)
    assert twin.signal("part.current")(T) == pytest.approx(0.3 * T / 1500.0, rel=1e-15)


# --- external flux ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coupling", ["flux", "published"])
def test_a_measured_field_acts_as_a_source_of_its_size(coupling: Any) -> None:
    """Stated and measured together are one source of their sum."""
    stated = {"turns": 1269.0, "radius": 85e-3, "coupling": coupling}
    z, z_magnet = path(ramp(-4e-3, 4e-3, 0, 10 * NS)), path(ramp(2e-3, -1e-3, 0, 10 * NS))

    def linkage(vertical: float, ambient: Any) -> Any:
        part = ExternalFlux(**stated, sources={"earth": FarEnd(vertical=vertical)} if vertical else {})
        twin = bench(part, "flux", magnet_position=z_magnet, **({} if ambient is None else {"ambient": ambient}))
        field, place = twin.signal("flux.field"), twin.signal("flux.outside_density").at(0.2, 0.3, z, "vertical")
        return field.at(z)(T), field.integral(z)(T), place(T)

    drift = path(ramp(0.0, 6e-6, 0, 10 * NS))
    for found, expected in zip(linkage(48e-6, 2e-6), linkage(50e-6, None), strict=True):
        assert found == pytest.approx(expected, rel=1e-13)
    for found, alone, more in zip(linkage(48e-6, drift), linkage(48e-6, None), linkage(49e-6, None), strict=True):
        assert found - alone == pytest.approx(0.6 * T * (more - alone), rel=1e-9)
    for found, expected in zip(linkage(48e-6, 0.0), linkage(48e-6, None), strict=True):
        assert np.array_equal(found, expected), "off, exactly"


def measured(gain: float, ambient: float, **coil: float) -> Any:
    """λ_ext of a field that is measured, and nothing else."""
    return bench(ExternalFlux(**coil, ambient_gain=gain), "flux", ambient=ambient).signal("flux.field")


def test_a_measured_field_acts_by_what_it_is_at_the_magnet() -> None:
    """A sensor that stands where the field is twice as strong; and one that is not to act."""
    z = path(ramp(-4e-3, 4e-3, 0, 10 * NS))
    half, plain = (
        measured(*given, turns=1269.0, radius=85e-3).integral(z)(T) for given in ((0.5, 96e-6), (1.0, 48e-6))
    )
    assert half == pytest.approx(plain, rel=1e-13) and np.all(plain != 0.0)
    off = measured(0.0, 48e-6, turns=1269.0, radius=85e-3)
    assert isinstance(off, Constant) and off.value == 0.0


@pytest.mark.parametrize("coil", [{}, {"turns": 1269.0}, {"radius": 85e-3}])
def test_a_measured_field_needs_a_coil_that_is_known(coil: dict[str, float]) -> None:
    with pytest.raises(WiringError, match=r"flux: ambient is a measured field, .* expected turns and radius"):
        measured(1.0, 48e-6, **coil)
    for nothing in (measured(0.0, 48e-6, **coil), measured(1.0, 0.0, **coil)):
        assert isinstance(nothing, Constant) and nothing.value == 0.0


# --- the signal ------------------------------------------------------------------------------------------------------


def told(expected: Signal) -> tuple[Timeline, Timeline, Told]:
    """Known from 4 s on: a ramp from 1 to 3 until 6 s."""
    known, line = Timeline("known"), Timeline("told")
    known.follow(constant(1.0, 4 * NS))
    line.follow(ramp(1.0, 3.0, 4 * NS, 6 * NS))
    return known, line, Told(known, line, expected)


def test_means_and_closed_forms_are_those_of_what_holds() -> None:
    expected = path(polynomial([0.5, 0.0, 0.1], 0, 10 * NS))
    _, line, signal = told(expected)
    starts = np.array([NS, 7 * NS], dtype=np.int64)
    assert signal.means(starts[:1], NS) == expected.means(starts[:1], NS)
    assert signal.means(starts[1:], NS) == line.means(starts[1:], NS) == 3.0
    across = signal.mean(3.0, 6.0)
    assert across == pytest.approx((expected.mean(3.0, 4.0) + 2.0 * 2.0) / 3.0, rel=1e-12)
    assert signal.constant_over(7 * NS, 8 * NS) == 3.0 and signal.constant_over(NS, 2 * NS) is None
    piece = signal.closed_form(4 * NS, 6 * NS)
    assert piece is not None and piece.values_at(5 * NS)[0].real == pytest.approx(2.0)
    assert signal.closed_form(3 * NS, 6 * NS) is None
    assert signal.breakpoints(0, 10 * NS) == {4 * NS, 6 * NS}


def test_a_composition_of_it_is_followed_by_a_state_exactly() -> None:
    """Heat through a thermal mass is that of a signal which says the same from the beginning."""
    from components.thermal_mass import ThermalMass

    thermal: Any = {
        "capacities": {"coil": 30.0, "magnet": 500.0},
        "links": [{"between": ["coil", "magnet"], "conductance": 0.05}],
        "film_areas": {"magnet": 0.1},
        "magnet": ["magnet"],
    }

    def heated(ambient: Signal) -> Any:
        twin = bench(ThermalMass(**thermal), "mass", power=0.02, ambient_rise=ambient)
        return twin.signal("mass.magnet_temperature_rise")(np.array([3.0, 5.0, 50.0, 500.0]))

    whole = Timeline("whole", 0.5)
    whole.follow(ramp(1.0, 3.0, 4 * NS, 6 * NS))
    assert heated(told(Constant(0.5))[2]) == pytest.approx(heated(whole), rel=1e-12)
