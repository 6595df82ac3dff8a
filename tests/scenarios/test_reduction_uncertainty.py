"""The uncertainty of the mass: what is stated is what repeated runs scatter."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from components.air import air_density
from scenarios.reduction import Estimate, reduce
from scenarios.reduction.type_a import type_a
from tests.scenarios.test_reduction_run import (
    AIR,
    CYCLE,
    SCHEMES,
    Run,
    by_phase,
    error,
    settings,
)
from twin.recorder import Blocks

NOISES = {
    "current": {"noise_current": 1e-6},
    "induced": {"noise_induced": 1e-5},
    "position": {"noise_position": 1e-9},
    "all": {"noise_current": 3e-7, "noise_induced": 1e-5, "noise_position": 1e-10},
}


@pytest.mark.parametrize(
    ("noise", "scheme"),
    [("induced", "polynomial"), ("position", "polynomial"), *((n, s) for n in ("current", "all") for s in SCHEMES)],
)
def test_the_stated_uncertainty_is_the_scatter_of_repeated_runs(noise: str, scheme: str) -> None:
    chosen, plan = settings(weighing_scheme=scheme), {"cycles": 3, "weighings": 8, "sweeps": 24, "readings": 10}
    scores, scores_bl = [], []
    for seed in range(200):
        run = Run(rng=np.random.default_rng(seed), **plan, **NOISES[noise])
        result = reduce(run.blocks(), run.certificates(), chosen)
        student = np.sqrt(result.dof / (result.dof - 2)) if result.dof > 2.5 else np.sqrt(5.0)
        scores.append((result.mass_kg - run.mass) / result.u_mass_kg / student)
        scores_bl.append((result.bl_Tm - 1400.0) / result.u_bl_Tm)
    assert abs(np.mean(scores)) < 0.3
    assert 0.8 < np.std(scores) < 1.2
    if noise != "current":
        assert 0.8 < np.std(scores_bl) < 1.2


def test_one_cycle_states_the_propagated_uncertainty() -> None:
    run = Run(cycles=1, noise_current=1e-6, noise_induced=1e-5)
    result = reduce(run.blocks(), run.certificates())
    assert "between cycles" not in result.type_a
    assert result.type_a["weighing"] > 0
    assert result.type_a["velocity"] > 0
    assert result.u_relative == pytest.approx(result.u_type_a)


def test_scatter_between_cycles_beyond_chance_enlarges_the_uncertainty() -> None:
    steps = [0.0, 3e-3, -2e-3, 1e-3, -2e-3, 2e-3]
    run = Run(cycles=6, noise_current=1e-7, alpha=-1e-3, rise=lambda t: by_phase(steps[int(t // CYCLE)], 0.0)(t))
    result = reduce(run.blocks(), run.certificates(temperature_coefficient=0.0))
    values = np.array([c.mass_kg for c in result.cycles])
    assert result.type_a["between cycles"] > 10 * result.type_a["weighing"]
    assert result.u_mass_kg == pytest.approx(values.std(ddof=1) / np.sqrt(6), rel=1e-2)
    assert result.dof == pytest.approx(5, rel=0.05)


def test_certificates_make_the_type_b_budget() -> None:
    run = Run(air=AIR)
    given_ = {
        "resistance": Estimate(1e3, 1e-5),
        "reference_voltage": Estimate(10.0, 2e-7),
        "gravity": Estimate(9.80, 2.94e-8),
        "laser": Estimate(1.0, 5e-9),
        "mass_density": Estimate(8000.0, 8.0),
    }
    result = reduce(run.blocks(), run.certificates(**given_), settings(coverage_factor=2.0))
    lift = float(air_density(*AIR)) / 8000.0
    assert result.type_b == pytest.approx(
        {
            "resistor: resistance": 1e-8,
            "gravity": 3e-9,
            "interferometer: wavelength": 5e-9,
            "voltage reference: voltage": 4e-8,  # current and induced voltage
            "test mass: density": lift / (1 - lift) * 1e-3,
            "air density: CIPM-2007": lift / (1 - lift) * 22e-6,
        },
        rel=2e-3,  # steps of the size of the uncertainties
    )
    assert result.u_type_b == pytest.approx(np.sqrt(sum(x**2 for x in result.type_b.values())))
    assert result.expanded_u_kg == 2 * result.u_mass_kg
    assert result.u_bl_Tm / result.bl_Tm == pytest.approx(np.hypot(2e-8, 5e-9), rel=1e-6)
    uncalibrated = reduce(run.blocks(), run.certificates(**given_), settings({"voltmeter_calibration": False}))
    assert "voltage reference: voltage" not in uncalibrated.type_b


@pytest.mark.parametrize(("certificate", "factor"), [("reference_voltage", 2), ("gravity", -1), ("resistance", -1)])
def test_a_wrong_certificate_shifts_the_mass_as_the_budget_says(certificate: str, factor: int) -> None:
    run = Run()
    wrong = getattr(run.certificates(), certificate).value * (1 + 1e-6)
    assert error(run, **{certificate: wrong}) == pytest.approx(factor * 1e-6, rel=1e-3)


SHARES = {"current calibration": 0.25, "induced calibration": 0.75}


def test_noise_of_the_calibrations_is_in_the_budget() -> None:
    blocks, rng = Run().blocks(), np.random.default_rng(3)
    noisy = Blocks()
    for block in blocks:
        if block.has(phase="calibration"):
            block = dataclasses.replace(block, values=block.values + 1e-5 * rng.normal(size=block.values.shape))
        noisy.append(block)
    result = reduce(noisy, Run().certificates())
    for name in ("current calibration", "induced calibration"):
        read = [b.values for b in noisy.select(f"{name.split()[0]}_voltmeter", phase="calibration")]
        single = [np.std(values, ddof=1) / np.sqrt(4) / np.mean(values) for values in read]
        # Of calibrations that begin the cycles, weighings take a quarter and groups three quarters of the next one; the
        # last ones, and of the groups the first cycle, extrapolate.
        x = SHARES[name]
        lines = np.array([[1 - x, x, 0], [0, 1 - x, x], [0, -x, 1 + x]])
        bl = np.array([[1.5, -0.5, 0], [0.5, 0.5, 0], [0, 0.5, 0.5]])
        sensitivity = (np.eye(3) if name.startswith("current") else bl).sum(axis=0) @ lines
        expected = np.linalg.norm(np.array(single) * sensitivity) / 3
        assert result.type_a[name] == pytest.approx(expected, rel=0.1)
    assert abs(result.mass_kg - 1) < 4 * result.u_mass_kg


def test_a_run_that_behaves_is_seldom_called_scattered() -> None:
    enlarged = 0
    for seed in range(200):
        run = Run(cycles=4, sweeps=16, readings=6, noise_current=1e-6, rng=np.random.default_rng(seed))
        enlarged += "between cycles" in reduce(run.blocks(), run.certificates()).type_a
    assert enlarged <= 14  # 2.5 % by χ², a little more for the degrees of freedom of u itself


def test_an_input_that_serves_two_cycles_correlates_them() -> None:
    """Sensitivities 3 and −1 to one thing of 1e-6: masses that differ by 4e-6 are as they should be."""
    none = np.full(1, np.inf)
    shared = {"velocity": (np.array([[3.0], [-1.0]]), np.array([1e-6]), none)}
    expected = type_a(1 + np.array([2e-6, -2e-6]), shared)
    assert expected.components == pytest.approx({"velocity": 1e-6})
    ratio = 6.0
    found = type_a(1 + np.array([2e-6, -2e-6]) * np.sqrt(ratio), shared)
    assert found.combined == pytest.approx(1e-6 * np.sqrt(ratio), rel=1e-5)
    assert found.components["between cycles"] == pytest.approx(1e-6 * np.sqrt(ratio - 1), rel=1e-5)
    same = {"velocity": (np.array([[1.0], [1.0]]), np.array([1e-6]), none)}
    alone = {"weighing": (np.eye(2), np.array([1e-8, 1e-8]), np.array([9.0, 9.0]))}
    found = type_a(1 + np.array([1e-7, -1e-7]), {**same, **alone})
    assert "between cycles" in found.components  # what is common explains no difference


def test_a_cycle_states_its_uncertainty_and_residuals_as_mass() -> None:
    run = Run(cycles=1, noise_current=1e-6)
    (cycle,) = (result := reduce(run.blocks(), run.certificates())).cycles
    assert cycle.u_mass_kg == pytest.approx(result.mass_kg * result.type_a["weighing"], rel=1e-9)
    assert len(cycle.residuals_kg) == len(cycle.residual_times_s) == 8
    sigma = np.sqrt(np.sum(cycle.residuals_kg**2) / (8 - 3))
    assert cycle.u_mass_kg == pytest.approx(sigma * np.sqrt(4 / 8), rel=0.05)
    assert sigma == pytest.approx(1e-6 / np.sqrt(5) / 1e3 * 1400 / 9.8, rel=0.8)


def test_cycles_pool_the_scatter_of_their_weighings() -> None:
    """One variance for all, unless they differ by more than chance."""
    from scenarios.reduction.type_a import pooled

    u, dof = pooled(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 1.0]))
    assert u == pytest.approx(np.full(3, np.sqrt((1 + 8 + 9) / 4)))
    assert dof == pytest.approx(np.full(3, 4 / 3))
    apart = np.array([1.0, 1.0, 50.0])
    assert np.array_equal(pooled(apart, np.full(3, 6.0))[0], apart)
    silent = np.array([0.0, 1.0])
    assert np.array_equal(pooled(silent, np.full(2, 3.0))[0], silent)


@pytest.mark.parametrize(("dof", "of", "quantile"), [(8, 1e9, 2.192), (8, 8, 4.433), (3, 20, 3.859), (7, 8, 4.529)])
def test_quantiles_of_f(dof: float, of: float, quantile: float) -> None:
    """97.5 %, from tables."""
    from scenarios.reduction.slow_noise import chance

    assert chance(dof, of) == pytest.approx(quantile, rel=0.03)


@pytest.mark.parametrize("cycles", [2, 8])
def test_a_change_in_the_run_that_nothing_explains_enlarges_the_uncertainty(cycles: int) -> None:
    """The first cycle may be the one that is right; if the others scatter as well, it is scatter."""
    masses, weighing = (
        np.full(cycles, 1.0),
        {"weighing": (np.eye(cycles), np.full(cycles, 1e-8), np.full(cycles, 50.0))},
    )
    assert set(type_a(masses, weighing).components) == {"weighing"}
    masses[0] += 3e-7
    found = type_a(masses, weighing).components
    assert found["change in the run"] == pytest.approx(3e-7 * (1 - 1 / cycles), rel=1e-6)
    assert "between cycles" not in found
    small = type_a(1 + (masses - 1) / 15, weighing).components
    assert set(small) == {"weighing"}
    scattered = type_a(masses + 1e-6 * (np.arange(cycles) % 3), weighing).components
    assert ("between cycles" in scattered) == (cycles > 2)
