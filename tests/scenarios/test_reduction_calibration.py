"""Drifts of the voltmeters: gains on the line between calibrations, zeros between zeros, and what it costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from components.voltmeter import bend
from scenarios.reduction import Estimate, MassResult, reduce
from scenarios.reduction.interpolation import line
from scenarios.reduction.quantities import QUANTITIES
from scenarios.reduction.steps import jumps
from tests.scenarios.test_reduction_run import Run, settings
from twin.recorder import Block, Blocks

Array = NDArray[np.float64]
FLAT = Run(bl=(1400.0,), cycles=4)
METERS = ("current_voltmeter", "induced_voltmeter")
HELD = {"voltmeter_drift": False}


def shown(run: Run, gain: Callable[[str, Array], Array], zero: Callable[[str, Array], Array] | None = None) -> Blocks:
    """The voltages as meters with these gains and zeros show them; a zero is read after each reference, if there is."""
    blocks = Blocks()
    for block in run.blocks():
        if block.quantity != "voltage":
            blocks.append(block)
            continue
        off = (lambda t, name=block.channel: zero(name, t)) if zero else np.zeros_like
        times = block.times()
        blocks.append(dataclasses.replace(block, values=gain(block.channel, times) * block.values + off(times)))
        if zero and block.has(phase="calibration"):
            later = dataclasses.replace(block.schedule, start=block.schedule.start + 60 * 10**9)
            short = dataclasses.replace(block, schedule=later, labels={**block.labels, "phase": "zero"})
            blocks.append(dataclasses.replace(short, values=off(short.times())))
    return blocks


def drifting(current: float, induced: float) -> Callable[[str, Array], Array]:
    return lambda name, t: 1.0 + (current if name == METERS[0] else induced) * t


def jumping(size: float, at: float, *meters: str) -> Callable[[str, Array], Array]:
    return lambda name, t: 1.0 + size * (t > at) * (name in meters)


def mass(blocks: Blocks, corrections: dict[str, bool] | None = None, **certificates: Any) -> MassResult:
    return reduce(blocks, FLAT.certificates(**certificates), settings(corrections))


# --- gains and zeros that drift --------------------------------------------------------------------------------------


@given(st.floats(-1e-9, 1e-9), st.floats(-1e-9, 1e-9), st.integers(2, 4))
@hypothesis_settings(max_examples=8, deadline=None)
def test_gains_that_drift_come_out(current: float, induced: float, cycles: int) -> None:
    """Up to the square of what they drift in the run."""
    run = dataclasses.replace(FLAT, cycles=cycles)
    assert abs(mass(shown(run, drifting(current, induced))).mass_kg - 1) < 1e-10


def test_a_gain_that_is_held_is_off_by_its_age() -> None:
    """Of weighings 900 s after the current's calibration, and of groups 2655 s after the other one."""
    result = mass(shown(FLAT, drifting(1e-10, 0.0)), HELD)
    assert result.mass_kg - 1 == pytest.approx(900.01e-10, rel=1e-3)
    assert result.type_b["voltmeter drift, not corrected"] == pytest.approx(900.01e-10, rel=1e-3)
    group = mass(shown(FLAT, drifting(0.0, 1e-10)), HELD)
    assert group.mass_kg - 1 == pytest.approx(2655.1e-10, rel=1e-3)
    corrected = mass(shown(FLAT, drifting(0.0, 1e-10)))
    assert corrected.corrections["voltmeter_drift"] == pytest.approx(-2655.1e-10, rel=1e-3)


@given(st.floats(-1e-9, 1e-9), st.floats(-1e-9, 1e-9))
@hypothesis_settings(max_examples=8, deadline=None)
def test_zeros_that_drift_come_out(current: float, induced: float) -> None:
    blocks = shown(FLAT, drifting(0.0, 0.0), lambda name, t: (current if name == METERS[0] else induced) * t)
    assert abs(mass(blocks).mass_kg - 1) < 1e-12


def test_a_zero_that_is_held_is_off_by_its_age() -> None:
    """Before the first zero, a minute after the first reference, none tells the drift: in one cycle of two."""
    run = dataclasses.replace(FLAT, cycles=2)
    blocks = shown(run, drifting(0.0, 0.0), lambda name, t: 1e-8 * t * (name == METERS[0]))
    result = reduce(blocks, FLAT.certificates(), settings(HELD, outlier_threshold=1e12))
    assert result.mass_kg - 1 == pytest.approx(60 * 1e-8 / 10.0 / 2, rel=1e-3)


def test_one_calibration_leaves_the_drift_to_what_is_stated_of_it() -> None:
    run = dataclasses.replace(FLAT, cycles=1)
    blocks = shown(run, drifting(0.0, 0.0), lambda name, t: 0.0 * t)
    doubts = {"current_gain_drift": (1e-12, 900.01), "induced_gain_drift": (1e-12, 2655.11)}
    doubts |= {f"{meter}_offset_drift": (1e-10, 60.0 / 10.0) for meter in ("current", "induced")}
    result = mass(blocks, **{name: Estimate(0.0, u) for name, (u, _) in doubts.items()})
    for name, (u, age) in doubts.items():
        assert result.type_b[QUANTITIES[name].label] == pytest.approx(u * age, rel=2e-3), name
    several = mass(shown(FLAT, drifting(0.0, 0.0)), **{name: Estimate(0.0, u) for name, (u, _) in doubts.items()})
    assert not {QUANTITIES[name].label for name in doubts} & set(several.type_b)
    assert {QUANTITIES[name].label for name in doubts} <= set(several.idle)


@pytest.mark.parametrize("meter", ["current", "induced"])
def test_a_drift_that_is_certified_is_taken_out_where_one_calibration_has_to_serve(meter: str) -> None:
    run, own, gain, creep = dataclasses.replace(FLAT, cycles=1), f"{meter}_voltmeter", 1e-9, 1e-9
    blocks = shown(
        run, lambda name, t: 1.0 + gain * t * (name == own), lambda name, t: creep * (t - 60.0) * (name == own)
    )
    drifts = {f"{meter}_gain_drift": gain, f"{meter}_offset_drift": creep}
    assert abs(mass(blocks, **drifts).mass_kg - 1) < 1e-11
    for name in drifts:
        assert abs(mass(blocks, **{**drifts, name: 0.0}).mass_kg - 1) > 5e-9


@pytest.mark.parametrize("name", ["thermal_emf_drift", "induced_offset_drift"])
def test_a_drift_of_the_offset_that_is_certified_is_taken_out_of_sweeps_that_do_not_tell_it(name: str) -> None:
    run, rate, blocks = dataclasses.replace(FLAT, sweeps=2), 1e-9, Blocks()
    for block in run.blocks():
        if block.channel == METERS[1] and block.has(phase="velocity"):
            block = dataclasses.replace(block, values=block.values + rate * block.times())
        blocks.append(block)
    assert abs(mass(blocks).mass_kg - 1) > 1e-7
    assert abs(mass(blocks, **{name: rate}).mass_kg - 1) < 1e-12


@pytest.mark.parametrize("meter", ["current", "induced"])
def test_a_nonlinearity_that_is_certified_is_taken_out_of_readings_and_calibrations(meter: str) -> None:
    """The reference, 10 V on a range of 12 V, shows 0.66 of the largest error."""
    run, size, blocks = dataclasses.replace(FLAT, tare_share=0.4), 1e-7, Blocks()
    for block in run.blocks():
        if block.channel == f"{meter}_voltmeter":
            block = dataclasses.replace(block, values=block.values + size * bend(block.values, 12.0))
        blocks.append(block)
    assert abs(mass(blocks).mass_kg - 1) > 1e-8
    assert abs(mass(blocks, **{f"{meter}_nonlinearity": size, f"{meter}_range": 12.0}).mass_kg - 1) < 1e-12


def test_what_could_not_be_corrected_is_said_unless_it_is_in_the_budget() -> None:
    run = dataclasses.replace(FLAT, cycles=1, sweeps=2, readings=40)
    (sweeps, current, induced) = mass(run.blocks()).notes
    assert "thermal EMF was not fitted in the velocity group" in sweeps
    assert "current voltmeter was calibrated once" in current and "induced voltmeter was calibrated once" in induced
    doubts = {name: Estimate(0.0, 1e-9) for name in ("thermal_emf_drift", "current_gain_drift", "induced_gain_drift")}
    stated = mass(run.blocks(), **doubts)
    assert not stated.notes and {QUANTITIES[name].label for name in doubts} <= set(stated.type_b)
    assert not mass(run.blocks(), {"offset_drift": False, "voltmeter_drift": False}).notes
    assert not mass(FLAT.blocks()).notes


# --- what is no drift ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("meter", METERS)
def test_no_line_leads_across_a_jump_of_a_gain(meter: str) -> None:
    """Between two cycles: those before and those after it are right."""
    run = dataclasses.replace(FLAT, cycles=6)
    assert abs(mass(shown(run, jumping(1e-5, 3 * 3600.0 - 1.0, meter))).mass_kg - 1) < 1e-13
    assert jumps(np.arange(6.0), np.array([1.0, 1, 1, 1, 1.01, 1.01]), np.zeros(6)).tolist() == [False] * 3 + [
        True,
        False,
    ]
    assert jumps(np.arange(2.0), np.array([1.0, 1.01]), np.zeros(2)).tolist() == [True]
    assert not jumps(np.arange(6.0), 1.0 + 1e-6 * np.arange(6.0), np.full(6, 1e-9)).any()


def test_no_line_leads_across_a_step_of_the_reference() -> None:
    """It is too small to be a jump of a single meter: 8 times its noise."""
    run, rng, size = dataclasses.replace(FLAT, cycles=9), np.random.default_rng(3), 8e-9
    stepped = {k: jumping(size, 5 * 3600.0 + at, *METERS) for k, at in ((True, 1800.0), (False, 1e9))}
    results = []
    for steps in (True, False):
        noise = np.random.default_rng(5)
        blocks = Blocks()
        for block in run.blocks():
            if block.has(phase="calibration"):
                gain = stepped[steps](block.channel, block.times())
                jitter = 2e-9 * noise.normal(size=block.values.shape)
                block = dataclasses.replace(block, values=block.values * gain * (1 + jitter))
            elif block.has(phase="weighing") and block.quantity == "voltage":
                block = dataclasses.replace(block, values=block.values + 1e-9 * rng.normal(size=block.values.shape))
            blocks.append(block)
        results.append(mass(blocks))
    stepping, plain = results
    assert {item.cycle for item in stepping.excluded} == {5, 6, 7, 8} and not plain.excluded
    assert all("stepped" in item.reason for item in stepping.excluded)
    assert abs(stepping.mass_kg - 1) < 4 * stepping.u_mass_kg < 0.8 * size


def test_what_was_read_of_a_reference_that_stepped_serves_no_reading_before() -> None:
    """Of 3e-9: without noise a step, and no jump of either meter. The sixth weighings were over, the group was not."""
    run, step, blocks = dataclasses.replace(FLAT, cycles=9), jumping(3e-9, 5 * 3600.0 + 2500.0, *METERS), Blocks()
    for block in run.blocks():
        if block.has(phase="calibration"):
            if block.channel == METERS[1]:
                later = dataclasses.replace(block.schedule, start=block.schedule.start + 2000 * 10**9)
                block = dataclasses.replace(block, schedule=later)
            block = dataclasses.replace(block, values=block.values * step(block.channel, block.times()))
        blocks.append(block)
    result = mass(blocks)
    assert {item.cycle for item in result.excluded} == {6, 7, 8}
    assert abs(result.mass_kg - 1) < 1e-13


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("cycle", [0, 2, 3])
def test_a_calibration_that_is_faulty_or_missing_leaves_the_line_straight(meter: str, cycle: int) -> None:
    def broken(block: Block) -> Block | None:
        if block.channel != meter or not block.has(phase="calibration", cycle=cycle):
            return block
        return dataclasses.replace(block, values=np.full(block.values.shape, np.nan)) if cycle == 2 else None

    blocks = [broken(block) for block in shown(FLAT, drifting(1e-10, -2e-10))]
    result = mass(Blocks([block for block in blocks if block is not None]))
    assert abs(result.mass_kg - 1) < 1e-11


# --- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", [True, False])
def test_each_reading_has_the_weight_that_type_a_gives_it(on: bool) -> None:
    """The mass is linear in small changes of single calibrations and zeros; their squares make the uncertainty."""
    size = 1e-6

    def read(which: tuple[str, str, int] | None) -> Blocks:
        blocks = Blocks()
        for block in shown(FLAT, drifting(0.0, 0.0), lambda name, t: 0.0 * t):
            key = block.channel, str(block.labels.get("phase")), int(block.labels["cycle"])
            if key[1] in ("calibration", "zero") and key[0] in METERS:
                values = block.values + size * np.array([[1.0, -1.0, 1.0, -1.0]]) + size * (key == which)
                block = dataclasses.replace(block, values=values)
            blocks.append(block)
        return blocks

    chosen = {"voltmeter_drift": on}
    plain = mass(read(None), chosen)
    u = size * np.sqrt(4 / 3) / 2
    for meter in METERS:
        keys = [(meter, phase, cycle) for phase in ("calibration", "zero") for cycle in range(FLAT.cycles)]
        changes = [mass(read(key), chosen).mass_kg / plain.mass_kg - 1 for key in keys]
        name = f"{meter.split('_')[0]} calibration"
        assert plain.type_a[name] == pytest.approx(float(np.linalg.norm(changes)) * u / size, rel=1e-4)


@pytest.mark.nightly
def test_the_uncertainty_of_drifting_gains_is_true() -> None:
    """Noise of the calibrations alone, on gains that drift: z has standard deviation 1."""
    scores = []
    run = dataclasses.replace(FLAT, weighings=4, sweeps=4, readings=5)
    drift = shown(run, drifting(3e-10, -2e-10))
    for seed in range(150):
        rng, blocks = np.random.default_rng(seed), Blocks()
        for block in drift:
            if block.has(phase="calibration"):
                jitter = 1e-6 * rng.normal(size=(1, 16))
                schedule = dataclasses.replace(block.schedule, count=16)
                block = dataclasses.replace(block, values=block.values.mean() * (1 + jitter), schedule=schedule)
            blocks.append(block)
        result = mass(blocks)
        scores.append((result.mass_kg - 1) / result.u_mass_kg)
    assert np.mean(scores) == pytest.approx(0.0, abs=3.5 / np.sqrt(150))
    assert np.std(scores) == pytest.approx(1.0, abs=3.5 / np.sqrt(300))


# --- lines -----------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=8, unique=True),
    st.lists(st.floats(-500, 1500), min_size=1, max_size=5),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_a_line_follows_a_linear_course_from_near_by(known: list[int], at: list[float]) -> None:
    times, wanted = np.array(sorted(known), dtype=float), np.array(at)
    weights = line(wanted, times)
    assert weights.sum(axis=1) == pytest.approx(np.ones(len(at)))
    assert np.count_nonzero(weights, axis=1).max() <= 2
    if len(times) > 1:
        assert weights @ times == pytest.approx(wanted, rel=1e-9, abs=1e-6)
        near = (wanted > 2 * times[0] - times[-1]) & (wanted < 2 * times[-1] - times[0])
        assert np.abs(weights[near]).max(initial=0.0) <= 2 + 1e-9


def test_a_line_beyond_the_ends_takes_a_lever_as_long_as_its_arm() -> None:
    weights = line(np.array([-15.0, 26.0]), np.array([0.0, 1.0, 20.0, 21.0]))
    assert weights == pytest.approx(np.array([[1.75, 0, -0.75, 0], [0, -0.25, 0, 1.25]]))
    assert line(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0])).sum(axis=1).tolist() == [1.0, 1.0, 1.0]
