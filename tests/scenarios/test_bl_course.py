"""Bl of the velocity groups after their corrections and between them, and Allan deviations of several records."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from scenarios.reduction import Estimate, MassResult, reduce
from scenarios.reduction.allan import allan_deviation, mean_deviation
from scenarios.reduction.group import SWEEPS_TO_TELL, fit_groups, without_periodic_error
from scenarios.reduction.recording import read
from scenarios.reduction.velocity import VelocityFit
from tests.scenarios.test_reduction_run import CYCLE, Run, by_phase, settings
from twin.recorder import Block, Blocks

PERIOD = 316e-9


def reduced(run: Run, change: object = None, corrections: dict[str, bool] | None = None, **known: object) -> MassResult:
    blocks = run.blocks() if change is None else Blocks([change(block) for block in run.blocks()])  # type: ignore[operator]
    return reduce(blocks, run.certificates(**known), settings(corrections))


def moving(block: Block) -> bool:
    return block.labels.get("phase") == "velocity" and block.channel == "interferometer"


# --- Bl --------------------------------------------------------------------------------------------------------------


def test_a_group_has_the_bl_of_its_own_temperature_and_of_all_corrections() -> None:
    """The voltmeter's gain and the laser's error are corrected; the temperature of the magnet stays in it."""
    run = Run(alpha=-1e-3, rise=by_phase(0.01, 0.03), gain_induced=1 + 1e-4, z_on=2e-6, z_off=2e-6)

    def stretched(block: Block) -> Block:
        return replace(block, values=block.values * (1 + 3e-4)) if block.channel == "interferometer" else block

    groups = reduced(run, stretched, laser=Estimate(1 + 3e-4)).bl_groups
    assert groups.time_s == pytest.approx((np.arange(3) + 0.75) * CYCLE, abs=60)
    assert groups.bl_Tm == pytest.approx(run.bl_at(2e-6, 0.75 * CYCLE), rel=1e-11)


def test_what_the_yoke_keeps_is_put_back() -> None:
    """After a current I the velocity phase finds Bl − k d r I; that is no property of the magnet."""
    run, kept = Run(z_on=1e-5, z_off=1e-5), 0.2

    def lowered(block: Block) -> Block:
        if block.channel != "induced_voltmeter" or block.labels["phase"] != "velocity":
            return block
        last = run.current(run.is_on(run.weighings - 1), 0.0)
        speed = block.values / run.bl_at(1e-5, 0.0)  # to 1e-4 along the travel
        return replace(block, values=block.values - 1e3 * kept * 1e-5 * last * speed)

    known = {"reluctance_k": 1e3, "remanence": kept}
    right = reduced(replace(run, k=1e3), lowered, **known).bl_groups
    assert right.bl_Tm == pytest.approx(run.bl_at(1e-5, 0.0), rel=1e-11)


@given(st.floats(-2e-3, 2e-3), st.integers(0, 2**32))
@hypothesis_settings(max_examples=8, deadline=None)
def test_between_the_groups_it_is_what_the_weighings_take(alpha: float, seed: int) -> None:
    """At the times of a cycle's weighings it has the mean that the cycle was reduced with."""
    slow = np.random.default_rng(seed).uniform(1e-6, 3e-6)
    run = Run(alpha=alpha, rise=lambda t: slow * t, bl=(1400.0,))
    result = reduced(run)
    for cycle in result.cycles:
        at = result.bl_groups.at(cycle.residual_times_s)
        assert at.mean() == pytest.approx(cycle.bl_Tm, rel=1e-12)
        assert at == pytest.approx([run.bl_at(0.0, t) for t in cycle.residual_times_s], rel=1e-9)


def test_its_uncertainty_is_that_of_sweeps_and_calibration() -> None:
    """Both are relative; without calibration there is only the former."""
    run = Run(noise_induced=1e-6)

    def noisy(block: Block) -> Block:
        if block.channel != "induced_voltmeter" or block.labels["phase"] != "calibration":
            return block
        return replace(block, values=block.values + 1e-6 * np.array([[1.0, -1.0, 1.0, -1.0]]))

    result = reduced(run, noisy)
    fitted = np.array([fit.u_bl / fit.bl for fit in result.velocity])
    one = 1e-6 * math.sqrt(4 / 3) / 2 / 10.0
    x = (result.velocity[0].time - 0.04) / CYCLE  # groups lie between two of them, the last one beyond
    calibrated = one * np.hypot([1 - x, 1 - x, -x], [x, x, 1 + x])
    assert result.bl_groups.u_bl_Tm / result.bl_groups.bl_Tm == pytest.approx(np.hypot(fitted, calibrated), rel=1e-6)
    bare = reduced(run, corrections={"voltmeter_calibration": False})
    assert bare.bl_groups.u_bl_Tm / bare.bl_groups.bl_Tm == pytest.approx(
        [fit.u_bl / fit.bl for fit in bare.velocity], rel=1e-12
    )


@pytest.mark.parametrize("phase", [0.0, 0.7, 3.0])
def test_the_periodic_error_that_was_fitted_can_be_taken_out(phase: float) -> None:
    """Its amplitudes count from z = 0, whatever the sweeps' middle, and hold all of it."""
    true = {block.schedule.start: block.values for block in Run().blocks() if moving(block)}

    def periodic(block: Block) -> Block:
        error = 1e-10 * np.sin(2 * np.pi / PERIOD * block.values + phase)
        return replace(block, values=block.values + error) if moving(block) else block

    result = reduced(Run(), periodic, nonlinearity_period=PERIOD)
    for fit, (start, z) in zip(result.velocity, sorted(true.items()), strict=True):
        assert fit.periodic == pytest.approx((1e-10 * math.cos(phase), 1e-10 * math.sin(phase)), abs=1e-13)
        shown = z + 1e-10 * np.sin(2 * np.pi / PERIOD * z + phase)
        assert np.abs(without_periodic_error(shown, fit.periodic, PERIOD) - z).max() < 2e-13
        assert start / 1e9 < fit.time


@pytest.mark.parametrize("sine", [False, True])
@pytest.mark.parametrize(
    ("size", "later", "own"),
    [
        (1.02e-10, 0.0, 0.0),
        (1.2e-10, 0.0, 0.0),
        (-3e-9, 0.0, 0.0),
        (1e-10, 0.2, 0.0),
        (1e-10, 0.0, 0.2),
    ],
)
def test_a_group_does_not_depend_on_those_before(size: float, later: float, own: float, sine: bool) -> None:
    """Nor on their periodic error, nor on how late they were read (in apertures): a fit only begins with them."""

    def fits(first: float, late: float) -> tuple[VelocityFit, ...]:
        def disturbed(block: Block) -> Block:
            if not moving(block):
                return block
            z, (error, by) = block.values, (first, late) if block.labels["cycle"] == 0 else (1e-10, own)
            z = z - by * np.gradient(z, axis=1, edge_order=2) if by else z
            return replace(block, values=z + error * np.sin(2 * np.pi / PERIOD * z))

        run = Run(sine=sine, cycles=2, sweeps=SWEEPS_TO_TELL + 8, readings=9)
        recording = read(disturbed(block) for block in run.blocks())
        return fit_groups(recording, run.certificates(nonlinearity_period=PERIOD), settings())[0]

    alike, other = fits(1e-10, own)[1], fits(size, later)[1]
    assert other.bl == pytest.approx(alike.bl, rel=1e-10)
    assert other.u_bl == pytest.approx(alike.u_bl, rel=1e-3)
    assert other.periodic == pytest.approx(alike.periodic, abs=1e-13)
    assert other.skew == pytest.approx(alike.skew, abs=1e-7)


# --- Allan deviations ------------------------------------------------------------------------------------------------


def test_the_mean_over_records_is_that_of_variances_by_degrees_of_freedom() -> None:
    """Records of different length enter as far as they reach; a step between them does not enter at all."""
    rng = np.random.default_rng(3)
    records = [rng.normal(size=400) + 100.0, rng.normal(size=400) - 100.0, rng.normal(size=40)]
    single = [allan_deviation(values, 0.5) for values in records]
    found = mean_deviation(records, 0.5)
    assert list(found.tau_s) == list(single[0].tau_s)
    for i in range(len(found.tau_s)):
        there = [one for one in single if i < len(one.tau_s)]
        edf = np.array([one.edf[i] for one in there])
        variance = sum(edf * np.array([one.deviation[i] ** 2 for one in there])) / edf.sum()
        assert found.deviation[i] == pytest.approx(math.sqrt(variance), rel=1e-12)
        assert found.edf[i] == pytest.approx(edf.sum(), rel=1e-12)
    assert found.white == pytest.approx(math.sqrt(0.5), rel=0.05)


def test_weighings_show_the_noise_of_their_readings() -> None:
    """White noise of the voltage, whatever the load and the drift from one weighing to the next do."""
    run = Run(weighings=40, noise_current=1e-6, tare_drift=lambda t: 1e-5 * t)
    curve = next(c for c in reduced(run).allan if c.channel == "weighing")
    assert (curve.quantity, curve.unit) == ("voltage", "V") and curve.tau_s[0] == pytest.approx(0.02)
    assert curve.deviation[0] == pytest.approx(1e-6, rel=0.1)
    assert curve.low[0] < curve.deviation[0] < curve.high[0]


def test_the_thermometer_shows_no_floor() -> None:
    """What it follows moves: neither white noise nor a floor is read from its curve."""
    run = Run(sweeps=64, rise=lambda t: 1e-3 * math.sin(t / 300.0))
    curve = next(c for c in reduced(run).allan if c.channel == "magnet_thermometer")
    assert curve.white is None and curve.floor is None and len(curve.tau_s) > 2
