"""Mass, exchanger, flexure, servo, source, coil: the balance in equilibrium, and how it is handled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from components.air import air_density
from components.coil import Coil
from components.current_source import CurrentSource
from components.environment import Environment
from components.flexure import Flexure
from components.magnet import Magnet
from components.mass_exchanger import MassExchanger
from components.motion import glide, oscillation
from components.servo import IdealServo
from components.test_mass import TestMass
from tests.components.bench import bench, closed, path
from twin.component import Component
from twin.errors import SimulationError
from twin.fault import PlannedFault
from twin.piece import Piece, constant, exact_hertz, extremes, harmonics, polynomial, ramp
from twin.terms import Term
from twin.times import NS, Times
from twin.twin import Twin

G = 9.80665
WIRING = {
    "test_mass.gravity": "environment.gravity",
    "test_mass.air_density": "environment.air_density",
    "mass_exchanger.weight": "test_mass.weight",
    "flexure.load": "mass_exchanger.load",
    "flexure.tare_weight": "test_mass.tare_weight",
    "servo.required_force": "flexure.required_force",
    "servo.coil_force": "coil.force",
    "current_source.demand": "servo.demand",
    "coil.field": "magnet.field",
    "coil.position": "flexure.position",
    "coil.current": "current_source.current",
}


def balance(**parts: Component) -> Twin:
    """A balance in vacuum with these parts instead of ideal ones."""
    ideal: dict[str, Component] = {
        "environment": Environment(pressure=0.0),
        "test_mass": TestMass(mass=1.0),
        "mass_exchanger": MassExchanger(),
        "flexure": Flexure(),
        "servo": IdealServo(),
        "current_source": CurrentSource(),
        "magnet": Magnet(bl=1400.0, profile=[0.5]),
        "coil": Coil(resistance=2400.0),
    }
    return Twin(*closed({**ideal, **parts}, WIRING))


def weigh(twin: Twin, exchange: float = 2.0) -> None:
    """Mass on, and servo engaged within 2 s; from 10 s on the mass goes off."""
    part: Any = twin.graph.components

    def operation() -> Any:
        part["current_source"].connect()
        yield twin.clock.together([part["mass_exchanger"].load(exchange), part["servo"].engage(2.0)])
        yield twin.clock.until(10 * NS)
        yield from part["mass_exchanger"].unload(exchange)

    twin.clock.run(operation())


def current(twin: Twin, *times: float) -> Any:
    return twin.signal("current_source.current")(np.array(times))


# --- test mass and air -----------------------------------------------------------------------------------------------


def test_a_mass_weighs_less_in_air_by_the_air_it_displaces() -> None:
    mass = TestMass(mass=2.0, density=8000.0, tare_fraction=0.4, tare_density=2700.0)
    twin = bench(mass, gravity=9.81, air_density=1.2)
    assert twin.signal("part.weight")(0.0) == pytest.approx(2.0 * 9.81 * (1 - 1.2 / 8000), rel=1e-15)
    assert twin.signal("part.tare_weight")(0.0) == pytest.approx(0.8 * 9.81 * (1 - 1.2 / 2700), rel=1e-15)
    vacuum = bench(mass, gravity=9.81)
    assert vacuum.signal("part.weight")(0.0) == 2.0 * 9.81


def test_the_surroundings_give_air_density_gravity_and_temperature_rise() -> None:
    twin = bench(
        Environment(temperature=296.15, reference_temperature=298.15, pressure=9e4, humidity=0.3, gravity=9.79)
    )
    assert twin.signal("part.air_density")(0.0) == float(air_density(296.15, 9e4, 0.3))
    assert twin.signal("part.gravity")(0.0) == 9.79
    assert twin.signal("part.temperature_rise")(0.0) == -2.0
    assert bench(Environment().ideal()).signal("part.air_density")(0.0) == 0.0


# --- equilibrium -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tare", [0.5, 0.3])
def test_the_current_that_holds_the_balance(tare: float) -> None:
    """I_on Bl = (m − m_t) g, I_off Bl = −m_t g."""
    twin = balance(test_mass=TestMass(mass=1.0, tare_fraction=tare))
    weigh(twin)
    on, off = current(twin, 8.0, 13.0)
    assert on == pytest.approx((1 - tare) * G / 1400.0, rel=1e-15)
    assert off == pytest.approx(-tare * G / 1400.0, rel=1e-15)


def test_the_reversal_is_a_straight_line_over_the_exchange() -> None:
    twin = balance()
    weigh(twin)
    assert current(twin, 10.0, 10.5, 11.0, 11.5, 12.0) * 1400.0 / G == pytest.approx(
        [0.5, 0.25, 0.0, -0.25, -0.5], abs=1e-15
    )


def test_the_servo_takes_over_in_step_with_its_engagement() -> None:
    twin = balance()
    weigh(twin, 1e-6)
    assert current(twin, 0.5, 1.0, 2.0) * 1400.0 / G == pytest.approx([0.125, 0.25, 0.5], rel=1e-12)


def test_released_there_is_no_current() -> None:
    twin = balance()
    weigh(twin)
    servo: Any = twin.graph.components["servo"]
    twin.clock.run(servo.release(2.0))
    force = twin.signal("coil.force")
    end = twin.clock.now
    assert force(end - NS) == pytest.approx(-0.25 * G, rel=1e-14)
    assert force(end) == 0.0
    assert current(twin, end / NS + 5.0) == 0.0


def test_the_loop_takes_out_gain_and_offset_of_the_source() -> None:
    twin = balance(current_source=CurrentSource(gain=1e-2, offset=1e-4))
    weigh(twin)
    assert current(twin, 8.0, 13.0) == pytest.approx([0.5 * G / 1400.0, -0.5 * G / 1400.0], rel=1e-14)
    assert twin.signal("servo.demand")(8.0) == pytest.approx((0.5 * G / 1400.0 - 1e-4) / 1.01, rel=1e-13)


def test_the_servo_works_against_effects_of_the_current() -> None:
    coil = Coil(resistance=2400.0, inductance_curvature=5e4, quadratic_current_coefficient=-5.0, symmetry_plane=-1e-4)
    twin = balance(coil=coil)
    weigh(twin)
    times = np.linspace(0.1, 12.0, 50)
    engagement = np.minimum(times / 2.0, 1.0)
    required = engagement * twin.signal("flexure.required_force")(times)
    assert twin.signal("coil.force")(times) == pytest.approx(required, rel=1e-14, abs=1e-14)
    i = current(twin, 8.0)[0]
    assert 1400.0 * i * (1 - 5.0 * i**2) - 5e4 * 1e-4 * i**2 == pytest.approx(0.5 * G, rel=1e-14)


# --- flexure ---------------------------------------------------------------------------------------------------------


def test_a_loaded_flexure_gives_by_its_compliance() -> None:
    twin = balance(flexure=Flexure(weighing_position=1e-3, compliance=2e-6))
    weigh(twin)
    z = twin.signal("flexure.position")(np.array([8.0, 11.0, 13.0]))
    assert z == pytest.approx([1e-3 + 2e-6 * G, 1e-3 + 1e-6 * G, 1e-3], rel=1e-14)
    assert current(twin, 8.0) == pytest.approx(0.5 * G / (1400.0 * (1 + 0.5 * (1e-3 + 2e-6 * G))), rel=1e-14)


def test_a_stiff_flexure_pulls_back_to_rest_and_the_coil_has_to_hold_against_it() -> None:
    twin = balance(flexure=Flexure(weighing_position=1e-3, stiffness=30.0, rest_position=4e-4))
    weigh(twin)
    expected = np.array([0.5 * G, -0.5 * G]) + 30.0 * 6e-4
    assert twin.signal("flexure.required_force")(np.array([8.0, 13.0])) == pytest.approx(expected, rel=1e-14)
    assert twin.signal("coil.force")(np.array([8.0, 13.0])) == pytest.approx(expected, rel=1e-14)


def test_the_flexure_follows_a_motion_and_stays_at_its_end() -> None:
    flexure = Flexure(weighing_position=1e-3)
    twin = bench(flexure, load=0.0)
    twin.clock.run(flexure.move([polynomial([1e-3, 2e-3], 0, NS), polynomial([3e-3, -1e-3], NS, 2 * NS)]))
    assert twin.clock.now == 2 * NS
    z = twin.signal("part.position")(np.array([0.5, 1.0, 1.5, 2.0, 50.0]))
    assert z == pytest.approx([2e-3, 3e-3, 2.5e-3, 2e-3, 2e-3], rel=1e-14)


@pytest.mark.parametrize("start", [1e-3 + 2e-12, 0.0])
def test_a_motion_must_start_where_the_coil_is(start: float) -> None:
    flexure = Flexure(weighing_position=1e-3)
    twin = bench(flexure, load=0.0)
    with pytest.raises(SimulationError, match=r"part: a motion starts at z = .* the coil is at 0.001 m"):
        twin.clock.run(flexure.move([polynomial([start, 1e-3], 0, NS)]))
    assert twin.signal("part.position")(0.5) == 1e-3


def test_a_motion_without_end_takes_no_time() -> None:
    flexure = Flexure()
    twin = bench(flexure, load=0.0)
    twin.clock.run(flexure.move([constant(0.0, 0)]))
    assert twin.clock.now == 0


def test_a_larger_balance_weighs_at_a_larger_position() -> None:
    flexure = Flexure(weighing_position=1e-3, rest_position=-2e-3, compliance=1e-6, stiffness=5.0).scaled(2.0)
    assert (flexure.weighing_position, flexure.rest_position) == (2e-3, -4e-3)
    assert (flexure.compliance, flexure.stiffness) == (1e-6, 5.0)


def test_what_acts_on_the_hinge_beside_its_stiffness_adds_to_the_force() -> None:
    force = path(ramp(0.0, 3e-3, 0, NS))
    twin = bench(Flexure(stiffness=20.0, rest_position=-1e-3), load=5.0, tare_weight=2.0, after_effect=force)
    assert twin.signal("part.required_force")(np.array([0.0, 1.0])) == pytest.approx([3.02, 3.023], rel=1e-14)


# --- stops -----------------------------------------------------------------------------------------------------------

HARMONICS = oscillation(1e-4, 3e-4, 1.0, (1, 3, 5, 7, 9), 0.6, 0, 1800)
TOP = 1e-4 - float(HARMONICS[0].values_at(0)[0].real) + 1e-4  # it starts at its lowest point, and is symmetric


@pytest.mark.parametrize(
    ("laws", "low", "high"),
    [
        ([polynomial([1e-4, 2e-3], 0, NS)], 1e-4, 2.1e-3),
        ([polynomial([1e-4, 0.3, -0.43], 0, NS)], 1e-4 - 0.13, 1e-4 + 0.09 / 1.72),  # highest in between
        ([polynomial([1e-4, -4e-3, 4e-3], 0, NS)], -9e-4, 1e-4),
        ([polynomial([1e-4, 1e-3], 0, NS), polynomial([1.1e-3, -5e-3], NS, 2 * NS)], -3.9e-3, 1.1e-3),
        (glide(1e-4, 3e-3, 0, 10 * NS), 1e-4, 3e-3),
        ([harmonics(1e-4, {exact_hertz(0.95): -1e-3j}, 0)], -9e-4, 1.1e-3),
        ([harmonics(1e-4, {exact_hertz(0.95): -1e-3j}, 0, NS // 10)], 1e-4, 1e-4 + 1e-3 * np.sin(0.19 * np.pi)),
    ],
)
@pytest.mark.parametrize("stop", ["lower_stop", "upper_stop"])
def test_a_motion_beyond_a_stop_is_refused_before_anything_moves(
    laws: list[Piece], low: float, high: float, stop: str
) -> None:
    inward, end = (1e-9, low) if stop == "lower_stop" else (-1e-9, high)
    for allowed, z in ((True, end - inward), (False, end + inward)):
        flexure = Flexure(weighing_position=1e-4).model_copy(update={stop: z})
        twin = bench(flexure, load=0.0)
        if allowed:
            twin.clock.run(flexure.move(laws))
        else:
            with pytest.raises(SimulationError, match=r"part: a motion goes to z = .* beyond the stop at"):
                twin.clock.run(flexure.move(laws))
            assert twin.signal("part.position")(0.5) == 1e-4


@pytest.mark.parametrize("excess", [1e-10, -1e-10])
def test_the_reach_of_hours_of_harmonics_is_that_of_one_period(excess: float) -> None:
    """Between samples too: 0.1 nm of 66 µm decides."""
    flexure = Flexure(upper_stop=TOP + excess, weighing_position=1e-4)
    twin = bench(flexure, load=0.0)
    motion = flexure.timeline("motion")
    motion.follow(*glide(1e-4, float(HARMONICS[0].values_at(0)[0].real), 0, NS))
    laws = oscillation(1e-4, 3e-4, 1.0, (1, 3, 5, 7, 9), 0.6, NS, 1800)
    if excess > 0:
        twin.clock.run(flexure.move(laws))
    else:
        with pytest.raises(SimulationError, match="beyond the stop"):
            twin.clock.run(flexure.move(laws))


@pytest.mark.parametrize("end", [None, 7 * NS, 3600 * NS])
def test_the_reach_of_oscillations_that_repeat_together_after_a_while(end: int | None) -> None:
    """0.3 Hz and 0.5 Hz repeat after 10 s; against values every 10 µs."""
    law = harmonics(2e-4, {exact_hertz(0.3): 1e-3 * np.exp(0.7j), exact_hertz(0.5): 6e-4 * np.exp(-2j)}, 0, end)
    dense = law.evaluate(Times(np.arange(0, min(end or 10 * NS, 10 * NS), 10_000)))
    assert extremes(law) == pytest.approx((dense.min(), dense.max()), abs=1e-9)


def test_the_reach_of_a_decaying_oscillation() -> None:
    term = Term(-0.2 + 5j, np.array([[1e-3 - 4e-4j]]))
    law = Piece(0, 20 * NS, 20 * NS, np.array([[1e-4]]), (term,))
    dense = law.evaluate(Times(np.arange(0, 20 * NS, 20_000)))
    assert extremes(law) == pytest.approx((dense.min(), dense.max()), abs=1e-9)


def test_a_motion_up_to_the_stops_is_allowed() -> None:
    flexure = Flexure(lower_stop=-1e-3, upper_stop=2e-3)
    twin = bench(flexure, load=0.0)
    twin.clock.run(flexure.move([*glide(0.0, -1e-3, 0, 10 * NS), *glide(-1e-3, 2e-3, 10 * NS, 20 * NS)]))
    assert twin.clock.now == 20 * NS


def test_the_weighing_position_lies_between_the_stops() -> None:
    for stops in ({"lower_stop": 2e-3}, {"upper_stop": 0.0}):
        with pytest.raises(ValueError, match="expected weighing_position between the stops"):
            Flexure(weighing_position=1e-3, **stops)


def test_stops_scale_with_the_geometry() -> None:
    half = Flexure(lower_stop=-2e-3, upper_stop=1e-3).scaled(0.5)
    assert (half.lower_stop, half.upper_stop) == (-1e-3, 5e-4)
    assert (Flexure().scaled(0.5).lower_stop, Flexure().scaled(0.5).upper_stop) == (None, None)


# --- what is done already --------------------------------------------------------------------------------------------


def repeated(operation: Callable[[Any], Any], port: str, part: Any, **inputs: Any) -> tuple[float, float]:
    """Value before and in the middle of a second, needless operation; it takes its time all the same."""
    twin = bench(part, **inputs)
    twin.clock.run(operation(part))
    first = twin.clock.now
    twin.clock.run(operation(part))
    assert twin.clock.now == 2 * first
    line = part.timeline(port)
    return float(line(first)), float(line(int(1.5 * first)))


def test_what_is_done_already_changes_nothing() -> None:
    assert repeated(lambda p: p.load(1.0), "placement", MassExchanger(), weight=9.8) == (1.0, 1.0)
    assert repeated(lambda p: p.engage(1.0), "engagement", IdealServo(), required_force=0.0, coil_force=0.0) == (
        1.0,
        1.0,
    )
    assert repeated(lambda p: p.set(0.02, 1.0), "set", CurrentSource()) == (0.02, 0.02)


def test_the_load_changes_along_a_straight_line() -> None:
    exchanger = MassExchanger()
    twin = bench(exchanger, weight=8.0)
    twin.clock.run(exchanger.load(4.0))
    assert twin.clock.now == 4 * NS
    twin.clock.run(exchanger.unload(4.0))
    assert twin.signal("part.load")(np.array([0.0, 1.0, 4.0, 5.0, 8.0, 9.0])) == pytest.approx(
        [0, 2, 8, 6, 0, 0], abs=1e-14
    )


def test_an_interrupted_exchange_goes_on_from_where_it_is() -> None:
    exchanger = MassExchanger()
    twin = bench(exchanger, weight=8.0)

    def operation() -> Any:
        twin.clock.process(exchanger.load(10.0))
        yield twin.clock.until(4 * NS)
        yield from exchanger.unload(2.0)

    twin.clock.run(operation())
    assert twin.signal("part.load")(np.array([2.0, 4.0, 5.0, 6.0])) == pytest.approx([1.6, 3.2, 1.6, 0.0], abs=1e-14)


# --- what rests on the pan, and what does not -------------------------------------------------------------------------


def loaded(exchanger: MassExchanger, at: Any, **inputs: Any) -> Any:
    """Load on the pan (N) at the times (s); the mass goes on within the first second."""
    twin = bench(exchanger, weight=8.0, **inputs)
    twin.clock.run(exchanger.load(1.0))
    return twin.signal("part.load")(np.asarray(at, dtype=float))


def test_parts_on_the_pan_weigh_less_buoyancy() -> None:
    tray = MassExchanger(parts_mass=0.03, parts_density=2700.0)
    weight = 8.0 + 0.03 * G * (1.0 - 1.2 / 2700.0)
    found = loaded(tray, [0.0, 0.25, 2.0], gravity=G, air_density=1.2)
    assert found == pytest.approx([0.0, 0.25 * weight, weight], rel=1e-15)
    assert loaded(tray, 2.0) == 8.0  # nothing wired: no gravity acts on them


def test_without_parts_gravity_and_air_do_not_matter() -> None:
    exchanger = MassExchanger(parts_mass=0.03).ideal()
    assert exchanger == MassExchanger()
    assert exchanger.neutral_inputs() == {"gravity", "air_density"}
    assert MassExchanger(parts_mass=0.03).neutral_inputs() == frozenset()
    twin = bench(exchanger, weight=8.0)
    timeline = exchanger.timeline("placement")
    assert twin.signal("part.load").parts == ((8.0, timeline),)


@pytest.mark.parametrize("kind", ["slips", "not_loaded"])
def test_a_fault_takes_its_share_of_the_load_while_it_lasts(kind: str) -> None:
    exchanger = MassExchanger(parts_mass=0.1)
    exchanger.plan_faults([PlannedFault(kind, 3 * NS, 5 * NS, 0.25)])
    found = loaded(exchanger, [2.0, 3.0, 4.9, 5.0], gravity=10.0)
    assert found == pytest.approx([9.0, 6.75, 6.75, 9.0], rel=1e-15)


def test_a_mass_that_is_not_loaded_leaves_the_pan_empty() -> None:
    assert MassExchanger.faults["not_loaded"].default == 1.0
    exchanger = MassExchanger()
    exchanger.plan_faults([PlannedFault("not_loaded", 0, 10 * NS, 1.0), PlannedFault("slips", 0, 20 * NS, 0.5)])
    assert loaded(exchanger, [0.5, 5.0, 10.0]) == pytest.approx([0.0, 0.0, 4.0], abs=0.0)
