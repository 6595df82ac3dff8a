"""The thermal-magnetic error alone: that of a run, and how it scales with size."""

from __future__ import annotations

import gc
import weakref
from functools import lru_cache
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from scenarios.run.experiment import Experiment
from scenarios.studies.outputs import evaluate
from scenarios.studies.thermal import NotPeriodicError, Thermal, ThermalCycle, thermal
from twin.errors import InputError, WiringError

CHAIN = {
    "geometry": None,
    "capacities": {"coil": 2e3, "yoke": 1.2e5, "magnet": 4e4},
    "links": [{"between": ["coil", "yoke"], "conductance": 2.0}, {"between": ["yoke", "magnet"], "conductance": 20.0}],
    "film_areas": {"yoke": 1.5},
}


def certain(name: str, **keys: Any) -> Experiment:
    """A shipped scenario whose certificates are true."""
    found = scenarios.load(name).with_({key.replace("__", "."): value for key, value in keys.items()})
    stated = [part for part, values in found.scenario.balance.parts.items() if values.uncertainties]
    return found.with_({f"balance.{part}.uncertainties": None for part in stated})


@lru_cache(maxsize=64)
def at(p: float, name: str = "nist4_tmtp") -> Thermal:
    return thermal(scenarios.load(name).with_({"balance.scale": p}))


def slope(p: float, step: float = 1.02) -> float:
    """d ln δT_f / d ln p."""
    ratio = at(step * p).analysis.delta_t_f_K / at(p / step).analysis.delta_t_f_K
    return float(np.log(ratio) / (2 * np.log(step)))


# --- as a run --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "keys", "within"),
    [
        ("nist4_tmtp", {"balance__scale": 0.4, "campaign__cycles": 1}, 1e-7),
        ("nist4_tmtp", {"balance__scale": 0.4, "campaign__cycles": 1, "balance__thermal_mass": CHAIN}, 1e-7),
        ("kbmini_tmtp", {"campaign__cycles": 1}, 1e-5),  # means of the remainder itself: of what is between samples
        ("nist4_omtp", {"balance__scale": 0.4, "campaign__cycles": 4}, 1e-5),
    ],
)
def test_as_a_run_finds_it(name: str, keys: dict[str, Any], within: float) -> None:
    """To a share of δT_f; with kept currents a run's steady state is that of two rehearsals."""
    experiment = certain(name, **keys)
    found, run = thermal(experiment).analysis, experiment.run().thermal
    assert run is not None
    assert found.delta_t_f_K == pytest.approx(run.delta_t_f_K, rel=10 * within)
    assert abs(found.delta_t_m_K - run.delta_t_m_K) < within * run.delta_t_f_K
    assert found.epsilon / found.delta_t_m_K == pytest.approx(run.epsilon / run.delta_t_m_K, rel=1e-12)
    assert found.delay_s == pytest.approx(run.delay_s, abs=0.5)  # a run's power is known to half a second


def test_it_is_warm_by_the_power_through_the_film() -> None:
    """In the mean all heat leaves: with one node the rise is P/(h A)."""
    one = {
        "geometry": None,
        "capacities": {"coil": 5e4},
        "links": [],
        "film_areas": {"coil": 2.0},
        "magnet": ["coil"],
        "film_coefficient": 8.0,
    }
    found = thermal(certain("nist4_tmtp", balance__thermal_mass=one, balance__environment__temperature="27 degC"))
    assert found.magnet_rise_K == pytest.approx(2.0 + found.mean_power_W / 16.0, rel=1e-9)
    assert found.coil_rise_K == found.magnet_rise_K
    assert found.coil_hour_rise_K == pytest.approx(3600.0 * found.power_W / 5e4, rel=1e-12)


def test_noise_errors_and_faults_do_not_enter() -> None:
    base = scenarios.load("nist4_tmtp")
    iron = {"faults": {"iron": {"component": "magnet", "fault": "iron", "time": "10 s", "size": 1e-3}}}
    values = {thermal(each).epsilon for each in (base, base.with_(seed=99), base.with_(iron))}
    assert len(values) == 1


def test_what_does_not_heat_is_not_followed() -> None:
    """In the velocity phase of TMTP no current flows, whatever the temperatures: no state is solved beyond."""
    cycle = ThermalCycle(scenarios.load("nist4_tmtp").scenario)
    weighing = cast(Any, cycle.campaign).weighing_duration
    power, groups = cycle._power, cycle._twin.assembly.groups
    assert groups and all(group.frontier <= weighing for group in groups)
    assert power is not None and power.edges[-1] == cycle.period > weighing / 1e9
    assert not np.any(power.at(np.linspace(weighing / 1e9, cycle.period, 50, endpoint=False)))


# --- scaling laws ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "exponent"), [(1.0, -8.0), (0.25, -6.0)])
def test_exponent_of_the_periodic_temperature(p: float, exponent: float) -> None:
    """Liu2025: δT_f ∝ p⁻⁸ near p = 1, p⁻⁶ near p = 0.25."""
    assert slope(p) == pytest.approx(exponent, abs=0.3)


def test_power_mass_and_resistance() -> None:
    """For the same force P ∝ p⁻³ and, at the same number of turns, R ∝ 1/p; the mass of the magnet ∝ p³."""
    base = scenarios.load("nist4_tmtp").ideal()
    large, small = (base.with_({"balance.scale": p}) for p in (1.0, 0.3))
    assert thermal(small).power_W / thermal(large).power_W == pytest.approx(0.3**-3, rel=1e-9)
    (big, coil), (little, other) = (
        (parts["magnet"], parts["coil"]) for parts in (dict[str, Any](e.scenario.components()) for e in (large, small))
    )
    assert little.mass / big.mass == pytest.approx(0.3**3, rel=1e-12)
    assert little.diameter / big.diameter == pytest.approx(0.3, rel=1e-12)
    assert other.resistance / coil.resistance == pytest.approx(1 / 0.3, rel=1e-12)


@given(p=st.floats(0.2, 1.2))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_scaling_laws_at_any_size(p: float) -> None:
    """P ∝ p⁻³, magnet ∝ p³, diameter ∝ p, R ∝ 1/p, without anything that does not scale."""
    there = scenarios.load("nist4_tmtp").ideal().with_({"balance.scale": p})
    found = evaluate(there, ["power", "magnet_mass", "diameter", "resistance"])
    assert found["power"] * p**3 == pytest.approx(ideal_power(), rel=1e-9)
    assert found["magnet_mass"] == pytest.approx(850.0 * p**3, rel=1e-12)
    assert found["diameter"] == pytest.approx(0.6 * p, rel=1e-12)
    at_1 = there.with_({"balance.scale": 1.0})
    assert found["resistance"] * p == pytest.approx(evaluate(at_1, ["resistance"])["resistance"], rel=1e-12)


@lru_cache(maxsize=1)
def ideal_power() -> float:
    """Of NIST-4's coil at p = 1 (W)."""
    return thermal(scenarios.load("nist4_tmtp").ideal()).power_W


@given(alpha=st.floats(-1e-3, -1e-6), p=st.sampled_from([0.3, 0.6, 1.0]))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_the_error_goes_with_any_temperature_coefficient(alpha: float, p: float) -> None:
    """ε ∝ α_m, but for what α_m times the rise does to the current."""
    changes = {"balance.magnet.temperature_coefficient": alpha, "balance.scale": p}
    found = thermal(scenarios.load("nist4_tmtp").ideal().with_(changes))
    assert found.epsilon / alpha == pytest.approx(slope_of_error(p), rel=4.0 * abs(alpha) * found.magnet_rise_K + 1e-9)


@lru_cache(maxsize=8)
def slope_of_error(p: float) -> float:
    """ε/α_m for a coefficient that does nothing to the current (K)."""
    changes = {"balance.magnet.temperature_coefficient": -1e-12, "balance.scale": p}
    return thermal(scenarios.load("nist4_tmtp").ideal().with_(changes)).epsilon / -1e-12


def test_the_error_is_proportional_to_the_temperature_coefficient() -> None:
    """But for what α_m does to the current: α_m times the rise."""
    base = scenarios.load("nist4_tmtp")
    one, ten = (
        thermal(base.with_({"balance.magnet.temperature_coefficient": alpha})).epsilon for alpha in (-1e-5, -1e-4)
    )
    assert ten / one == pytest.approx(10.0, rel=1e-5)


def test_ndfeb_is_its_equivalent_coefficient() -> None:
    """Once, not twice: the stronger field lowers the power as (0.45/0.59)², Liu2025."""
    base = scenarios.load("nist4_tmtp")
    real = thermal(base.with_({"balance.magnet.material": "NdFeB"})).epsilon
    equivalent = thermal(base.with_({"balance.magnet.temperature_coefficient": -1e-3 * (0.45 / 0.59) ** 2})).epsilon
    assert real == pytest.approx(equivalent, rel=1e-3)


# --- what has no periodic state --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"thermal.start": "ambient"}, "starts at ambient"),
        ({"balance.environment.temperature_drift": 1e-6}, "room changes"),
        ({"balance.environment.temperature_swing": 0.1}, "room changes"),
    ],
)
def test_no_periodic_state(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(NotPeriodicError, match=message):
        thermal(scenarios.load("nist4_tmtp").with_(keys))


def test_nothing_to_heat() -> None:
    with pytest.raises(InputError, match="weighs nothing"):
        thermal(scenarios.load("moving_mode"))


@pytest.mark.parametrize("name", ["kbmini_mass_series", "nist4_mass_reversal"])
def test_masses_in_turn_have_no_error_in_common(name: str) -> None:
    with pytest.raises(InputError, match="weighs masses in turn"):
        thermal(scenarios.load(name))


def test_a_balance_whose_coil_heats_nothing_says_what_to_wire() -> None:
    unheated = scenarios.load("nist4_tmtp").with_({"balance.wiring.thermal_mass.power": None})
    with pytest.raises(WiringError, match=r"thermal_mass\.power \(W\) is not connected; wire it to an output in W"):
        thermal(unheated)


def test_a_study_leaves_nothing_behind() -> None:
    """A point's twin is gone when its result is: a study may have any number of points."""
    cycle = ThermalCycle(scenarios.load("nist4_tmtp").with_({"balance.scale": 0.37}).scenario)
    power = cycle.result()
    gone = weakref.ref(cycle), weakref.ref(cycle._twin), weakref.ref(cycle._twin.signal("coil.power"))
    del cycle, power
    gc.collect()
    assert [each() for each in gone] == [None] * 3
