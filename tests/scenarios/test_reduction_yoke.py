"""The lag of the yoke as the reduction knows it, and the sweeps in which something settles."""

from __future__ import annotations

import dataclasses
import math
from functools import cache

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import scenarios
from components.yoke import Yoke
from scenarios.reduction import Certificates, Estimate, MassResult, ReductionError, ReductionSettings, reduce
from scenarios.reduction.quantities import QUANTITIES
from scenarios.reduction.recording import read
from scenarios.reduction.settling import unsettled, without_unsettled
from scenarios.reduction.yoke_lag import Course, excess, excess_along
from scenarios.run.certificates import certificates
from scenarios.run.result import Result
from tests.scenarios.test_reduction_run import Run
from twin.recorder import Blocks

LAGGING = {"balance.coil.yoke_inductance": 1.0, "balance.yoke.gap_reluctance": 0.5}


def test_the_excess_is_what_the_yoke_lags_behind() -> None:
    """The component's state space, driven by the same ramps and integrated."""
    yoke = Yoke(time_constant=3.0, gap_reluctance=0.4)
    course = Course(np.array([1.0, 2.0, 9.0, 9.5, 30.0, 30.0]), np.array([0.0, 2.0, 2.0, -1.0, -1.0, 0.0]))
    space = yoke.state_space()

    def drive(t: float) -> float:
        return float(np.interp(t, course.time, course.current, left=0.0))

    at = np.array([0.5, 1.5, 2.0, 4.0, 9.2, 9.5, 12.0, 29.9])
    found = solve_ivp(
        lambda t, x: space.a @ x + space.b[:, 0] * drive(t),
        (0.0, 30.0), space.x0, t_eval=at, rtol=1e-11, atol=1e-13, max_step=0.05,
    )  # fmt: skip
    lag = space.c[0] @ found.y - [drive(t) for t in at]
    times, weights = yoke.relaxation()
    assert excess(course, times, at) @ weights == pytest.approx(lag, abs=1e-9)
    after = excess(course, times, np.array([30.0, 33.0])) @ weights  # a step back to none leaves all of it
    before = excess(course, times, np.array([30.0 - 1e-12])) @ weights
    assert after[0] == pytest.approx(before[0] - 1.0, abs=1e-9)
    assert after[1] == pytest.approx(float(weights @ np.exp(-3.0 / times)) * after[0], rel=0.02)


def test_along_sweeps_it_is_what_it_is_at_each_instant() -> None:
    """Before all ramps, on one, where one begins or ends within the sweep, between two and after the last."""
    course = Course(np.array([1.0, 2.0, 9.0, 9.5, 30.0, 30.0]), np.array([0.0, 2.0, 2.0, -1.0, -1.0, 0.0]))
    times, weights = Yoke(time_constant=3.0, gap_reluctance=0.4).relaxation()
    begin, since = np.array([0.0, 0.9, 1.0, 1.1, 1.9, 4.0, 8.8, 29.9, 31.0, 500.0]), np.array([0.0, 0.05, 0.3])
    along = excess_along(course, times, weights, begin, since)
    assert along == pytest.approx(excess(course, times, begin[:, None] + since) @ weights, rel=1e-12, abs=1e-15)
    assert along[0] == pytest.approx(0.0, abs=0.0)


# --- a campaign ------------------------------------------------------------------------------------------------------


@cache
def lagging() -> Result:
    """Three cycles of NIST-4 whose yoke holds flux long after the current has gone."""
    few = ["campaign.cycles=3", "campaign.weighing.count=5", "thermal.start=ambient"]
    return scenarios.load("nist4_tmtp", few).with_(LAGGING).run()


def reduced(**changes: object) -> MassResult:
    """With other certificates than that of the run."""
    result = lagging()
    known = dataclasses.replace(certificates(result.scenario), **changes)
    return reduce(result.readings, known, result.scenario.section("reduction", ReductionSettings))


def error(mass: MassResult) -> float:
    return mass.mass_kg / lagging().true.mass_kg - 1.0


def sweeps(mass: MassResult) -> list[str]:
    return [excluded.reason for excluded in mass.excluded if excluded.what == "sweep" and not excluded.skipped]


def test_a_yoke_that_nobody_knows_is_found_in_the_first_sweeps() -> None:
    mass = reduced(yoke_inductance=0.0)
    assert abs(error(mass)) < 2.0 * mass.u_relative
    assert len(sweeps(mass)) == 3
    assert "up and down alike, which fades: flux leaves the yoke" in sweeps(mass)[0]


def test_a_time_constant_that_is_wrong_is_found_too() -> None:
    right = certificates(lagging().scenario).yoke_time_constant
    assert isinstance(right, Estimate)
    mass = reduced(yoke_time_constant=1.5 * right.value)
    assert abs(error(mass)) < 2.0 * mass.u_relative
    assert sweeps(mass)


def test_what_is_not_known_of_the_yoke_is_in_the_budget() -> None:
    """No sweep is left out, so that all of the correction is as uncertain as the inductance."""
    result = lagging()
    settings = result.scenario.section("reduction", ReductionSettings).model_copy(update={"outlier_threshold": 1e12})
    known = certificates(result.scenario)
    tau = known.yoke_time_constant
    assert isinstance(tau, Estimate)
    doubted = dataclasses.replace(
        known, yoke_inductance=Estimate(1.0, 0.1), yoke_time_constant=Estimate(tau.value, 0.02 * tau.value)
    )
    mass = reduce(result.readings, doubted, settings)
    longer = dataclasses.replace(known, yoke_time_constant=Estimate(1.02 * tau.value))
    more = dataclasses.replace(known, yoke_inductance=Estimate(1.1))
    labels = [QUANTITIES[name].label for name in ("yoke_inductance", "yoke_time_constant")]
    inductance, time = (mass.type_b[label] for label in labels)
    assert inductance == pytest.approx(0.1 * abs(mass.corrections["yoke_lag"]), rel=1e-3)
    for other, u in ((more, inductance), (longer, time)):
        change = reduce(result.readings, other, settings).mass_kg / mass.mass_kg - 1.0
        assert u == pytest.approx(abs(change), rel=0.1)  # m(z) is taken as certified


def test_a_yoke_without_the_times_of_the_ramps_is_refused() -> None:
    run = Run()
    with pytest.raises(ReductionError, match=r"no ramps; supply the times .* reduction.corrections.yoke_lag=false"):
        reduce(run.blocks(), run.certificates(yoke_inductance=1.0))
    ramps = ((0.0, 1.0), (1799.0, 1800.0))
    assert reduce(run.blocks(), run.certificates(yoke_inductance=1.0, ramps=ramps)).mass_kg != 1.0
    with pytest.raises(ReductionError, match="begin and end of each ramp, in ascending order"):
        Certificates(1e3, 9.8, ramps=((1.0, 0.0),))
    run = Run(k=1e9, bl=(1400.0,), z_on=3e-5, z_off=3e-5, beta=0.0)
    with pytest.raises(ReductionError, match=r"uses the yoke_inductance of 0.1 H up"):
        reduce(Run().blocks(), run.certificates(yoke_inductance=0.1, ramps=ramps, magnetic_centre=1e-3))


# --- what settles ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [12, 20, 300])
def test_noise_and_drift_do_not_settle(count: int) -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        slow = 0.1 * np.cumsum(rng.normal(size=count)) / np.sqrt(count)
        values = 1e-6 * (rng.normal(size=count) + slow + 5.0 * np.arange(count) / count)
        assert unsettled(values, 6.0) == (0, 0.0)


@pytest.mark.parametrize("count", [50, 300])
def test_a_random_walk_hardly_ever_settles(count: int) -> None:
    """Of 400 walks 3 % at most, where neighbours that are taken for independent make it 5 to 9 %."""
    walks = np.random.default_rng(7).normal(size=(400, count)).cumsum(axis=1)
    assert sum(unsettled(1e-6 * walk, 6.0)[0] > 0 for walk in walks) <= 12


@pytest.mark.parametrize(("count", "fade"), [(20, 0.5), (300, 5.0)])
def test_what_fades_is_told_until_it_is_lost_in_noise(count: int, fade: float) -> None:
    values = 1e-6 * np.random.default_rng(1).normal(size=count) + 1e-3 * np.exp(-np.arange(count) / fade)
    cut, size = unsettled(values, 6.0)
    assert size == pytest.approx(1e-3, rel=0.05)
    assert 1e-3 * np.exp(-cut / fade) < 2e-6
    assert cut <= 15.0 * fade


@pytest.mark.parametrize("count", [12, 20, 50, 300])
@pytest.mark.parametrize("size", [1e-4, 1e-1])
def test_what_fades_slowly_is_told_though_its_end_resembles_itself(count: int, size: float) -> None:
    values = 1e-6 * np.random.default_rng(1).normal(size=count) + size * np.exp(-np.arange(count) / (0.2 * count))
    assert unsettled(values, 6.0)[0] >= count // 8


def test_bl_that_fades_in_a_group_is_nothing_that_settles_in_a_voltage() -> None:
    """It reverses with the velocity; but from one sweep up to the next one down it has changed."""
    run = Run(bl=(1400.0,), sweeps=80, alpha=1e-5, rise=lambda t: math.exp(-max(t % 3600.0 - 1800.0, 0.0) / 400.0))
    assert without_unsettled(read(run.blocks()), ReductionSettings())[1] == ()


def test_sweeps_that_settle_go_even_where_the_worst_of_them_have_gone() -> None:
    """Single ones that are far off are left out before; what fades in those between them is found all the same."""
    run = Run(sweeps=80, noise_induced=1e-6, noise_current=1e-7)
    blocks = Blocks()
    for block in run.blocks():
        values = block.values
        if block.channel == "induced_voltmeter" and block.has(phase="velocity"):
            values = values + 3e-2 * np.exp(-np.arange(run.sweeps) / 2.0)[:, None]
        blocks.append(dataclasses.replace(block, values=values))
    mass = reduce(blocks, run.certificates())
    assert abs(mass.mass_kg - 1.0) < 3.0 * mass.u_mass_kg
    reasons = [excluded.reason for excluded in mass.excluded if excluded.what == "sweep"]
    assert any("far from the others" in reason for reason in reasons)
    assert sum("up and down alike" in reason for reason in reasons) == run.cycles
