"""What a reduction takes, and what it says about blocks, certificates and settings that will not do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from components.air import air_density
from scenarios.reduction import Certificates, Estimate, ReductionError, reduce
from tests.scenarios.test_reduction_run import (
    AIR,
    CYCLE,
    SCHEMES,
    Run,
    settings,
)
from twin.recorder import Block, Blocks, Schedule
from twin.times import NS


def test_a_velocity_group_may_come_in_several_blocks() -> None:
    run = Run(noise_induced=1e-6)
    parts, whole = Blocks(), run.blocks()
    for block in whole:
        if not block.has(phase="velocity") or block.channel == "magnet_thermometer":
            parts.append(block)
            continue
        for cut in (slice(0, 7), slice(7, 20)):
            start = block.schedule.start + cut.start * block.schedule.every
            schedule = dataclasses.replace(block.schedule, start=start, repeats=cut.stop - cut.start)
            parts.append(dataclasses.replace(block, schedule=schedule, values=block.values[cut]))
    expected = reduce(whole, run.certificates())
    for blocks in (parts, Blocks([*reversed(list(parts))])):
        result = reduce(blocks, run.certificates())
        assert (result.mass_kg, result.u_mass_kg) == (expected.mass_kg, expected.u_mass_kg)


def test_the_order_of_blocks_and_other_channels_do_not_matter() -> None:
    run = Run(noise_induced=1e-6, air=AIR)
    blocks = list(run.blocks())
    other = Block("fluxgate", "flux_density", "T", Schedule(0, 1, 1), 0, np.full((1, 1), np.nan))
    shuffled = Blocks([*reversed(blocks), other])
    for scheme in SCHEMES:
        chosen = settings(weighing_scheme=scheme)
        expected = reduce(Blocks(blocks), run.certificates(), chosen).mass_kg
        assert reduce(shuffled, run.certificates(), chosen).mass_kg == expected


def test_the_air_of_each_weighing_is_its_own_whichever_phase_read_it() -> None:
    """A pressure that climbs by 1 Pa/s, read as each cycle begins, but said to be of the velocity phase."""
    run, blocks = Run(air=AIR), Blocks()
    for block in run.blocks():
        if block.quantity == "pressure":
            climbed = block.values + block.schedule.instants().mean() / NS
            block = relabelled(phase="velocity")(dataclasses.replace(block, values=climbed))
        blocks.append(block)
    cycles = reduce(blocks, run.certificates()).cycles[:-1]  # after the last reading nothing is known
    expected = [float(air_density(AIR[0], AIR[1] + c.time_s, AIR[2])) for c in cycles]
    assert [c.air_density for c in cycles] == pytest.approx(expected, rel=1e-4)
    still = reduce(run.blocks(), run.certificates()).cycles[:-1]
    share = np.array([c.air_density - s.air_density for c, s in zip(cycles, still, strict=True)]) / 8000.0
    found = np.array([c.mass_kg / s.mass_kg - 1 for c, s in zip(cycles, still, strict=True)])
    assert found == pytest.approx(share, rel=1e-3)
    other = reduce(blocks, run.certificates(), settings({"buoyancy": False}))
    assert [c.air_density for c in other.cycles] == [0.0] * 3


def test_skipped_weighings_are_named() -> None:
    run = Run()
    blocks = Blocks()
    for block in run.blocks():  # the first weighing of each cycle is far off
        bad = block.has(phase="weighing", weighing=0) and block.channel == "current_voltmeter"
        blocks.append(dataclasses.replace(block, values=block.values * 1.1) if bad else block)
    for skip, reason in ((0, "of the difference on - off away"), (1, "among the first 1")):
        result = reduce(blocks, run.certificates(), settings(skip_weighings=skip))
        assert abs(result.mass_kg - 1) < 1e-13
        assert [(x.cycle, x.what, x.number) for x in result.excluded] == [(c, "weighing", 0) for c in range(3)]
        assert all(reason in x.reason for x in result.excluded)


def without(run: Run, channel: str, **labels: object) -> Blocks:
    return Blocks([b for b in run.blocks() if not (b.channel == channel and b.has(**labels))])


def changed(run: Run, change: Callable[[Block], Block], channel: str, **labels: object) -> Blocks:
    return Blocks([change(b) if b.channel == channel and b.has(**labels) else b for b in run.blocks()])


def spoilt(block: Block) -> Block:
    values = block.values.copy()
    values[0, 1] = np.nan
    return dataclasses.replace(block, values=values)


def relabelled(**labels: object) -> Callable[[Block], Block]:
    return lambda block: dataclasses.replace(block, labels={**block.labels, **labels})


RUN = Run(air=AIR)
BAD = {
    "nothing weighed": (
        without(RUN, "current_voltmeter", phase="weighing"),
        "'current_voltmeter' with phase 'weighing'",
    ),
    "no velocity": (without(RUN, "induced_voltmeter", phase="velocity"), "'induced_voltmeter' with phase 'velocity'"),
    "no sweep positions": (without(RUN, "interferometer", phase="velocity", cycle=1), "cycle 1.*'interferometer'"),
    "no position": (without(RUN, "interferometer", weighing=3, cycle=2), "cycle 2, weighing 3.*'interferometer'"),
    "no calibration": (without(RUN, "induced_voltmeter", phase="calibration"), "'induced_voltmeter'.*'calibration'"),
    "no environment": (without(RUN, "environment"), "'environment' with quantity 'temperature'.*buoyancy=false"),
    "one state": (without(RUN, "current_voltmeter", state="on"), "cycle 1: .*state 'on'"),
    "too few": (without(RUN, "current_voltmeter", cycle=1, state="off"), "cycle 2: .*state 'off'"),
    "no state": (changed(RUN, relabelled(state="of"), "current_voltmeter", weighing=1), "state 'of'.*'on' or 'off'"),
    "twice": (changed(RUN, relabelled(weighing=1), "current_voltmeter", weighing=3), "twice"),
    "no number": (changed(RUN, relabelled(weighing="x"), "current_voltmeter", weighing=3), "integer label 'weighing'"),
    "gaps": (
        changed(RUN, lambda b: dataclasses.replace(b, aperture=b.aperture // 2), "induced_voltmeter", phase="velocity"),
        "not contiguous",
    ),
    "averaged edges": (
        changed(RUN, lambda b: dataclasses.replace(b, aperture=5), "interferometer", phase="velocity"),
        "at the edges",
    ),
    "wet": (
        changed(RUN, lambda b: dataclasses.replace(b, values=b.values * 100), "environment", phase="weighing"),
        "'environment': air density",
    ),
    "dead calibration": (
        changed(RUN, lambda b: dataclasses.replace(b, values=b.values * 0), "current_voltmeter", phase="calibration"),
        "reads exactly 0 V",
    ),
    "dead voltmeter": (
        changed(RUN, lambda b: dataclasses.replace(b, values=b.values * 0), "current_voltmeter", phase="weighing"),
        "do not differ",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_missing_or_broken_is_named(case: str) -> None:
    blocks, message = BAD[case]
    with pytest.raises(ReductionError, match=message):
        reduce(blocks, RUN.certificates())


def test_what_is_not_needed_may_be_missing() -> None:
    run, free = Run(), {"buoyancy": False, "voltmeter_calibration": False}
    blocks = Blocks([b for b in run.blocks() if b.has(phase="weighing") or b.has(phase="velocity")])
    blocks = Blocks([b for b in blocks if b.channel != "magnet_thermometer"])
    bare = Certificates(resistance=1e3, gravity=9.80)
    assert reduce(blocks, bare, settings(free)).mass_kg == pytest.approx(1.0, rel=1e-13)
    with pytest.raises(ReductionError, match=r"'magnet_thermometer'.*temperature=false"):
        reduce(blocks, dataclasses.replace(bare, temperature_coefficient=-1e-3), settings(free))
    with pytest.raises(ReductionError, match="no reference_voltage"):
        reduce(run.blocks(), bare)
    with pytest.raises(ReductionError, match="no mass_density"):
        reduce(RUN.blocks(), dataclasses.replace(RUN.certificates(), mass_density=None))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"skip_weighings": 8}, "leaves no weighing"),
        ({"skip_weighings": 6, "weighing_scheme": "aba"}, "at least 4"),
        ({"skip_weighings": 6, "weighing_scheme": "abba"}, "at least one group of 4"),
        ({"drift_order": 6}, "needs at least 9"),
        ({"bl_interpolation": "polynomial", "bl_drift_order": 3}, "3 velocity groups"),
    ],
)
def test_settings_that_ask_too_much_are_refused(chosen: dict[str, object], message: str) -> None:
    with pytest.raises(ReductionError, match=message):
        reduce(RUN.blocks(), RUN.certificates(), settings(**chosen))


@pytest.mark.parametrize(
    ("field_", "value"),
    [
        ("resistance", 0.0),
        ("gravity", float("nan")),
        ("reference_voltage", Estimate(10.0, -1e-9)),
        ("laser", Estimate(1.0, 1e-8, dof=0.0)),
        ("after_effect_time_constants", (100.0, 0.0)),
    ],
)
def test_impossible_certificates_are_refused(field_: str, value: object) -> None:
    with pytest.raises(ReductionError, match=field_):
        RUN.certificates(**{field_: value})


def test_skipped_sweeps_take_their_temperature_with_them() -> None:
    """A magnet that warms in the velocity phase: the sweeps that are left are at the temperature that they were at."""
    run = Run(alpha=-1e-3, rise=lambda t: 1e-3 * (t % CYCLE) / CYCLE)
    whole = reduce(run.blocks(), run.certificates())
    left = reduce(run.blocks(), run.certificates(), settings(skip_sweeps=6))
    assert whole.mass_kg == pytest.approx(1.0, abs=1e-12)
    assert left.mass_kg == pytest.approx(1.0, abs=1e-12)
    assert [(x.cycle, x.what, x.skipped) for x in left.excluded] == [(c, "sweep", True) for c in range(3)]
    with pytest.raises(ReductionError, match="skip_sweeps=20 leaves no sweep of 20"):
        reduce(run.blocks(), run.certificates(), settings(skip_sweeps=20))
