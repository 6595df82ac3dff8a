"""The lines that certificates make: sensitivities by hand, second order, degrees of freedom, coverage."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from components.air import air_density
from components.refractive_index import HELIUM_NEON
from scenarios.reduction import Certificates, Estimate, MassResult, reduce
from scenarios.reduction.gum import Input
from scenarios.reduction.quantities import QUANTITIES
from scenarios.reduction.readout import Readout
from tests.scenarios.test_reduction_corrections import MU_0, coil_temperatures
from tests.scenarios.test_reduction_run import AIR, MID_WEIGHING, Run, by_phase, settings
from twin.recorder import Blocks

RHO = float(air_density(*AIR))
LIFT = 1 - RHO / 8000.0
WARM = AIR[0] - 298.15
RUN = Run(
    bl=(1400.0, 30.0), air=AIR, cycles=1, z_on=2e-5, z_off=-3e-5, tare_share=0.3, alpha=-1e-3, rise=by_phase(1, 3)
)
FORCE_ON, FORCE_OFF = ((x * LIFT if x > 0.3 else 0.0) * 9.80 - 0.3 * 9.80 for x in (1.0, 0.0))
ON, OFF = FORCE_ON / 1400 / 0.999, FORCE_OFF / 1400 / 0.999  # A
BENT_ON, BENT_OFF = (1.5 * math.sqrt(3.0) * (1e3 * i - 1e3 * i * (100.0 * i) ** 2) for i in (ON, OFF))  # V
BLOCKS = Blocks([*RUN.blocks(), *coil_temperatures(RUN)])

# Value, uncertainty, and dm/dx (kg per unit) at m = 1 kg. Blocks are free of these effects but for those of the run.
HAND: dict[str, tuple[float, float, float]] = {
    "resistance": (1e3, 1e-5, -1e-3),
    "gravity": (9.80, 1e-7, -1 / 9.80),
    "reference_voltage": (10.0, 1e-7, 2 / 10.0),
    "mass_density": (8000.0, 1.0, -RHO / 8000.0**2 / LIFT),
    "mass_expansion": (0.0, 1e-5, RHO / 8000.0 * WARM / LIFT),
    "current_nonlinearity": (0.0, 1e-8, -(BENT_ON - BENT_OFF) / (ON - OFF) / 1e3),
    "induced_nonlinearity": (0.0, 1e-8, -1.5 * math.sqrt(3.0) * (1.0 - (1400.0 * 2e-4 / 0.3 / 10.0) ** 2)),
    "resistance_drift": (0.0, 1e-12, -MID_WEIGHING),
    "resistance_temperature_coefficient": (0.0, 1e-9, -WARM),
    "resistance_power_coefficient": (0.0, 1e-6, -1e3 * (ON**3 - OFF**3) / (ON - OFF)),
    "reference_drift": (0.0, 1e-12, 0.04 + 0.04),
    "reference_pressure_coefficient": (0.0, 1e-13, 2 * (AIR[1] - 101325)),
    "reference_temperature_coefficient": (0.0, 1e-9, 2 * WARM),
    "reference_wander": (0.0, 1e-9, 2.0),
    "input_conductance": (0.0, 1e-13, 2405.0),
    "current_input_conductance": (0.0, 1e-13, 1e3),
    "current_gain_drift": (0.0, 1e-12, -(MID_WEIGHING - 0.04)),
    "induced_gain_drift": (0.0, 1e-12, -(1800 + 45 * 19 + 0.15 - 0.04)),  # since then, to the mean sweep
    "lead_resistance": (5.0, 1.0, 1e-10),
    "time_base_error": (0.0, 1e-9, 1.0),
    "gravity_transfer": (0.0, 1e-8, -1 / 9.80),
    "gravity_gradient": (0.0, 1e-8, -1.5 / 9.80),
    "gravity_height": (1.5, 1e-3, 3e-6 / 9.80),
    "tide_scale": (1.0, 0.01, -1e-6 / 9.80),
    "susceptibility": (0.0, 1e-5, 1e-4 * 1e-3 / MU_0 / 8000 / 9.80),
    "magnetisation": (0.0, 1e-2, 1e-3 / 8000 / 9.80),
    "parts_mass": (0.0, 1e-9, -(1 - RHO / 2700) / LIFT),
    "parts_density": (2700.0, 10.0, -1e-5 * RHO / 2700**2),
    "stiffness": (0.0, 1e-3, -5e-5 / 9.80),
    "air_density": (1.0, 22e-6, RHO / 8000 / LIFT),
    "air_pressure": (0.0, 10.0, -RHO / AIR[1] / 8000),
    "refractive_index": (0.0, 1e-8, 1.0),
    "laser": (1.0, 1e-8, 1.0),
    "verticality_x": (0.0, 1e-6, 1e-3),
    "verticality_y": (0.0, 1e-6, -2e-3),
    "abbe_offset_x": (0.0, 1e-6, -4e-3),
    "abbe_offset_y": (0.0, 1e-6, -3e-3),
    "coil_tilt_x": (0.0, 1e-6, -0.5e-3),
    "coil_tilt_y": (0.0, 1e-6, 1e-3),
    "coil_offset_x": (0.0, 1e-6, -4e-3),
    "coil_offset_y": (0.0, 1e-6, -3e-3),
    "reluctance_k": (0.0, 0.1, -(2e-5 * ON**2 + 3e-5 * OFF**2) / 9.80),
    "beta": (0.0, 1e-4, (ON**3 - OFF**3) / (ON - OFF)),
    "temperature_coefficient": (-1e-3, 1e-6, 1.0 - 3.0),
    "coil_expansion": (0.0, 1e-8, 2.0 - 0.5),
    "support_compliance": (0.0, 1e-10, 30 * (FORCE_ON**2 - FORCE_OFF**2) / 1400 / 9.80),
}
BESIDE: dict[str, dict[str, Any]] = {
    "input_conductance": {"coil_resistance": 2400.0, "lead_resistance": 5.0},
    "lead_resistance": {"input_conductance": 1e-10},
    "gravity_gradient": {"gravity_height": 1.5},
    "gravity_height": {"gravity_gradient": -3e-6},
    "tide_scale": {"tide": ((1e-6, 1e12, 0.0),)},
    "susceptibility": {"stray_field": 1e-4, "stray_gradient": 1e-3},
    "magnetisation": {"stray_gradient": 1e-3},
    "parts_mass": {"parts_density": 2700.0},
    "parts_density": {"parts_mass": 1e-5},
    "refractive_index": {"wavelength": HELIUM_NEON},
    "current_nonlinearity": {"current_range": 10.0},
    "induced_nonlinearity": {"induced_range": 10.0},
}
MOTION = {"drift_x": 1e-3, "drift_y": -2e-3, "roll_x": 3e-3, "roll_y": -4e-3}


def known(**changes: Any) -> Certificates:
    return RUN.certificates(**changes)


def line(result: MassResult, name: str) -> Input:
    (found,) = [line for line in result.inputs if line.label == QUANTITIES[name].label]
    return found


@pytest.mark.parametrize("name", HAND)
def test_a_sensitivity_is_what_the_formula_says(name: str) -> None:
    value, u, expected = HAND[name]
    result = reduce(BLOCKS, known(**{**MOTION, **BESIDE.get(name, {}), name: Estimate(value, u, 7.0, "rectangular")}))
    found = line(result, name)
    assert (found.kind, found.value, found.u, found.dof, found.distribution) == ("B", value, u, 7.0, "rectangular")
    assert found.unit == QUANTITIES[name].unit
    assert found.sensitivity == pytest.approx(expected, rel=1e-2)
    assert result.type_b[found.label] == pytest.approx(abs(expected) * u, rel=1e-2)


def test_many_cases_at_once_are_each_what_it_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = {name: value for values in BESIDE.values() for name, value in values.items()}
    doubts = {name: Estimate(beside.get(name, value), u) for name, (value, u, _) in HAND.items()}
    certificates = known(**MOTION, **{**beside, **doubts})
    at_once = reduce(BLOCKS, certificates)
    monkeypatch.setattr("scenarios.reduction.sensitivity.AT_ONCE", 1)
    alone = reduce(BLOCKS, certificates)
    assert [one.label for one in alone.inputs] == [one.label for one in at_once.inputs]
    effects = ([one.sensitivity * one.u for one in result.inputs] for result in (alone, at_once))
    np.testing.assert_allclose(*effects, rtol=1e-12, atol=1e-15)
    assert alone.corrections == pytest.approx(at_once.corrections, rel=1e-12, abs=1e-15)
    assert alone.u_bl_Tm == pytest.approx(at_once.u_bl_Tm, rel=1e-9)


def test_the_weighings_of_a_cycle_need_not_be_in_a_row() -> None:
    run: Any = SimpleNamespace(of_cycle=np.array([1, 0, 1, 2, 0]), cycles=[7, 3, 5])
    values = np.array([[1.0, 2.0, 4.0, 8.0, 16.0], [0.0, 1.0, 0.0, 0.0, 2.0]])
    assert Readout.by_cycle(run, values).tolist() == [[18.0, 5.0, 8.0], [3.0, 0.0, 0.0]]


@pytest.mark.parametrize("name", sorted(QUANTITIES))
def test_every_estimate_is_a_line_unless_it_does_nothing(name: str) -> None:
    """Those that have no line act as products with something that is zero here."""
    u = {"mass_density": 1.0, "air_pressure": 1.0, "reluctance_k": 0.1}.get(name, 1e-9)
    value = getattr(known(), name).value
    labels = {line.label for line in reduce(BLOCKS, known(**{name: Estimate(value, u)})).inputs}
    idle = {"leakage", "input_conductance", "lead_resistance", "coil_resistance", "coil_capacitance", "trigger_latency"}
    idle |= {"coil_inductance", "coil_resistance_temperature_coefficient"}
    idle |= {"current_offset_drift", "induced_offset_drift", "thermal_emf_drift"}  # no zeros; and sweeps tell of them
    idle |= {"gravity_gradient", "gravity_height", "tide_scale", "susceptibility", "magnetisation", "stray_field"}
    idle |= {"stray_gradient", "parts_density", "refractive_index", "remanence", "magnetic_centre"}
    idle |= {"yoke_inductance", "yoke_time_constant", "current_nonlinearity", "induced_nonlinearity"}
    idle |= {"after_effect_strength", "mutual_beta", "external_flux"}  # the last one is not corrected unless one asks
    idle |= {f"{what}_{axis}" for what in ("coil_tilt", "coil_offset", "drift", "roll") for axis in "xy"}
    idle |= {f"{what}_{axis}" for what in ("verticality", "abbe_offset") for axis in "xy"}
    assert (QUANTITIES[name].label in labels) == (name not in idle)


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [("coil_tilt_x", "drift_x", 0.5), ("coil_offset_x", "roll_y", 1.0), ("abbe_offset_y", "roll_x", 1.0)],
)
def test_two_unknowns_that_multiply_enter_in_second_order(first: str, second: str, share: float) -> None:
    result = reduce(BLOCKS, known(**{first: Estimate(0.0, 1e-3), second: Estimate(0.0, 2e-4)}))
    (size,) = [size for label, size in result.type_b.items() if "×" in label]
    assert size == pytest.approx(share * 2e-7, rel=1e-3)


def test_a_beam_of_unknown_lean_enters_by_its_cosine() -> None:
    """1/cos φ − 1 of a normal φ about 0: ½ u² in the mean, u²/√2 about it."""
    result = reduce(BLOCKS, known(verticality_x=Estimate(0.0, 1e-3)))
    (size,) = [size for label, size in result.type_b.items() if "squared" in label]
    assert size == pytest.approx(1e-6 * math.hypot(0.5, math.sqrt(0.5)), rel=1e-3)
    assert not [label for label in result.type_b if "verticality" in label and "squared" not in label]


def test_an_effect_that_is_not_corrected_enters_with_its_size_and_the_doubt_about_it() -> None:
    certificates = known(beta=Estimate(-0.5, 0.1))
    with_ = reduce(BLOCKS, certificates)
    without = reduce(BLOCKS, certificates, settings({"quadratic_current": False}))
    size = with_.corrections["quadratic_current"]
    doubt = with_.type_b[QUANTITIES["beta"].label]
    assert QUANTITIES["beta"].label not in without.type_b
    assert without.type_b["quadratic current, not corrected"] == pytest.approx(math.hypot(size, doubt), rel=1e-4)


def test_degrees_of_freedom_and_coverage_are_those_of_welch_and_satterthwaite() -> None:
    run = Run(cycles=1, noise_current=1e-6)
    certificates = run.certificates(resistance=Estimate(1e3, 3e-6, 4.0), laser=Estimate(1.0, 2e-9, 9.0))
    result = reduce(run.blocks(), certificates, settings(confidence=0.95))
    a = [line for line in result.inputs if line.kind == "A"]
    parts = [(3e-9, 4.0), (2e-9, 9.0), *((line.u, line.dof) for line in a)]
    expected = sum(u**2 for u, _ in parts) ** 2 / sum(u**4 / dof for u, dof in parts)
    assert result.dof == pytest.approx(expected, rel=1e-6)
    assert result.budget.dof == pytest.approx(expected, rel=1e-6)
    assert result.budget.u_relative == pytest.approx(result.u_relative, rel=1e-12)
    assert 1.96 < result.budget.coverage_factor < 3.2
    assert result.expanded_u_kg == result.budget.coverage_factor * result.u_mass_kg
    chosen = dataclasses.replace(result, coverage_factor=2.0, confidence=None)
    assert (chosen.expanded_u_kg, chosen.budget.coverage_factor) == (2 * result.u_mass_kg, 2.0)


def test_a_latency_has_a_sensitivity_though_it_moves_the_data() -> None:
    """Sweeps at constant velocity, read v τ away: 2 c2 v² τ of Bl for a further second."""
    run = Run(bl=(1400.0, 0.0, -4e4), cycles=1)
    latency = 2e-3
    result = reduce(run.blocks(), run.certificates(trigger_latency=Estimate(latency, 1e-4)))
    shifted = [reduce(run.blocks(), run.certificates(trigger_latency=latency + d)).mass_kg for d in (-1e-4, 1e-4)]
    assert line(result, "trigger_latency").sensitivity == pytest.approx(np.diff(shifted)[0] / 2e-4, rel=0.1)


def test_allan_deviations_are_of_what_the_run_read() -> None:
    run = Run(weighings=32, sweeps=64, noise_current=1e-6, noise_induced=1e-5, rise=by_phase(1e-3, 2e-3))
    curves = {(c.channel, c.quantity): c for c in reduce(run.blocks(), run.certificates()).allan}
    assert {("velocity", "bl"), ("weighing", "voltage"), ("current_voltmeter", "voltage")} <= set(curves)
    bl, weighing = curves["velocity", "bl"], curves["weighing", "voltage"]
    assert bl.tau_s[0] == pytest.approx(1800 / 64, rel=1e-6)
    assert (bl.unit, weighing.unit) == ("T*m", "V")
    assert weighing.deviation[0] == pytest.approx(1e-6, rel=0.2)
