"""What steps while it is read for the first time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.reduction import ReductionError
from scenarios.reduction.beginning import check_beginning, largest_jump, largest_step
from twin.recorder import Block, Schedule
from twin.times import NS


def noise(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(40, 400), share=st.floats(0.1, 0.9), slope=st.floats(-1.0, 1.0), seed=st.integers(0, 1000))
def test_a_step_is_found_beside_a_drift(n: int, share: float, slope: float, seed: int) -> None:
    at = round(share * n)
    values = noise(n, seed) + slope * np.arange(n) + 40.0 * (np.arange(n) >= at)
    found = largest_step(values)
    assert found is not None
    assert found.at == at
    assert found.size == pytest.approx(40.0, abs=5.0)
    assert found.significance > 20


def test_the_significance_is_that_of_least_squares() -> None:
    """Of a parabola and the step, with the noise's standard deviation of 1."""
    n, at = 200, 60
    t, step = np.arange(n), (np.arange(n) >= at).astype(float)
    values = noise(n) + 2.0 * step
    u_t = t / n
    design = np.column_stack([np.ones(n), u_t, u_t**2, step])
    size = np.linalg.lstsq(design, values, rcond=None)[0][-1]
    u = np.sqrt(np.linalg.inv(design.T @ design)[-1, -1])
    found = largest_step(values)
    assert found is not None and found.at == at
    assert found.size == pytest.approx(size, rel=1e-9)
    assert found.significance == pytest.approx(abs(size) / u, rel=0.15)  # what the readings say of their noise


def test_noise_and_drift_alone_make_no_step() -> None:
    significances = [largest_step(noise(300, seed) + 0.05 * np.arange(300)).significance for seed in range(300)]  # type: ignore[union-attr]
    assert max(significances) < 6.0
    assert largest_step(np.linspace(0.0, 1.0, 100)) is None
    assert largest_step(noise(10)) is None


def test_noise_that_lasts_for_some_readings_makes_no_step() -> None:
    """A servo or a source that is slower than the readings; a step beside it is found."""
    held = [np.repeat(noise(750, seed), 4) + 0.2 * noise(3000, seed) for seed in range(200)]
    found = [largest_step(values) for values in held]
    assert max(step.significance for step in found if step is not None) < 6.0
    stepped = largest_step(held[0] + 3.0 * (np.arange(3000) >= 2000))
    assert stepped is not None and stepped.significance > 15.0 and stepped.size == pytest.approx(3.0, abs=0.5)


def test_a_jump_shows_in_noise_that_is_slow() -> None:
    walk = np.cumsum(noise(500))
    calm, hopped = largest_jump(walk), largest_jump(walk + 12.0 * (np.arange(500) >= 321))
    assert calm is not None and calm.significance < 6.0
    assert hopped is not None and hopped.at == 321 and hopped.significance > 8.0
    assert largest_jump(np.zeros(100)) is None


def block(channel: str, values: np.ndarray, phase: str = "weighing", start: int = 0, state: str = "on") -> Block:
    labels = {"phase": phase, "state": state, "cycle": 0}
    return Block(channel, "voltage", "V", Schedule(start, NS, values.size), NS, values[None, :], labels)


STEPPED = 10.0 + 1e-7 * noise(200) + 1e-5 * (np.arange(200) >= 50)


@pytest.mark.parametrize("channel", ["current_voltmeter", "induced_voltmeter"])
@pytest.mark.parametrize("phase", ["weighing", "calibration"])
def test_a_step_at_the_beginning_is_refused_and_later_left_to_others(channel: str, phase: str) -> None:
    first = block(channel, STEPPED, phase)
    with pytest.raises(ReductionError, match=rf"{channel}: .*phase '{phase}' step by \+1e-05 V at 50.5 s"):
        check_beginning([block(channel, STEPPED, phase, 500 * NS), first], 6.0)
    calm = dataclasses.replace(first, values=10.0 + 1e-7 * noise(200)[None, :])
    check_beginning([calm, block(channel, STEPPED, phase, 500 * NS)], 6.0)
    small = dataclasses.replace(first, values=10.0 + 1e-3 * (first.values - 10.0))  # 1e-8 V: noise of the reference
    check_beginning([small], 6.0)


@pytest.mark.parametrize("n", [20, 34, 57])
def test_few_readings_know_their_noise_badly(n: int) -> None:
    """Of 34 readings, one row in a thousand shows a step of six of the standard deviations that it shows itself."""
    rows = np.random.default_rng(4).normal(size=(4000, n))
    for row in rows:
        check_beginning([block("induced_voltmeter", 10.0 + 1e-6 * row, "calibration")], 6.0)
    with pytest.raises(ReductionError, match="step by"):
        check_beginning([block("induced_voltmeter", 10.0 + 1e-6 * (rows[0] + 100.0 * (np.arange(n) >= 6)))], 6.0)


def test_the_first_of_each_state_counts() -> None:
    calm = 10.0 + 1e-7 * noise(200)
    blocks = [block("current_voltmeter", calm), block("current_voltmeter", STEPPED, start=300 * NS, state="off")]
    with pytest.raises(ReductionError, match=r"at 350\.5 s"):
        check_beginning(blocks, 6.0)


def test_readings_that_are_lost_make_no_step() -> None:
    lost = 10.0 + 1e-7 * noise(200)
    lost[30:60] = np.nan
    check_beginning([block("current_voltmeter", lost)], 6.0)
