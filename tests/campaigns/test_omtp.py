"""OMTP and its power-regulated form: two windings, of which one carries the current and the other senses."""

from __future__ import annotations

import dataclasses
import itertools
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.reduction import ReductionError, reduce
from scenarios.run.certificates import certificates
from scenarios.run.experiment import Experiment
from scenarios.run.result import Result
from scenarios.schema import ScenarioError
from tests.campaigns.runs import two_windings as short
from twin.recorder import Blocks
from twin.steps import Step
from twin.times import NS

CLOSURE = 1e-12
OMTP = ("nist4_omtp", "tsinghua_omtp", "kbmini_omtp")
REGULATED = ("nist4_power_regulated", "tsinghua_power_regulated", "kbmini_power_regulated")
I_NIST4 = 0.5 * 9.80665 / 695.9


def closes(experiment: Experiment) -> Result:
    result = experiment.run()
    assert abs(result.relative_error) < CLOSURE
    assert abs(result.mass.bl_Tm / result.true.bl_Tm - 1) < CLOSURE
    return result


@pytest.mark.parametrize("name", [*OMTP, *REGULATED])
def test_the_whole_campaign_closes(name: str) -> None:
    result = closes(scenarios.load(name).ideal())
    assert result.virtual_s == 8 * 3600


@pytest.mark.parametrize("name", ["nist4_omtp", "nist4_power_regulated"])
@pytest.mark.parametrize(
    "keys",
    [
        {"balance.test_mass.mass": 0.01},
        {"balance.scale": 0.3},
        {"balance.test_mass.tare_fraction": 0.3},
        {"balance.second_coil.winding_factor": 1.03},
        {"balance.second_coil.resistance": 300.0},
        {"balance.flexure.weighing_position": 2e-3, "balance.magnet.profile": [0.5, -3.0]},
        {"campaign.exchange_every": 4, "campaign.cycles": 8},
        {"reduction.weighing_scheme": "aba"},
    ],
    ids=lambda keys: ", ".join(key.rpartition(".")[2] for key in keys),
)
def test_what_is_no_effect_on_the_mass(name: str, keys: dict[str, Any]) -> None:
    closes(short(name).ideal().with_(keys))


@pytest.mark.parametrize("name", ["nist4_omtp", "nist4_power_regulated"])
def test_a_larger_factor_while_weighing_shows_as_a_smaller_mass(name: str) -> None:
    """(Bl)_w = (Bl)_v (1 + 1e-6), by a current effect of each winding on itself: −1e-6."""
    beta = 1e-6 / I_NIST4**2
    effects = {f"balance.{coil}.quadratic_current_coefficient": beta for coil in ("coil", "second_coil")}
    result = short(name).ideal().with_({**effects, "reduction.corrections.quadratic_current": False}).run()
    assert result.relative_error == pytest.approx(-1e-6, rel=2e-3)
    corrected = short(name).ideal().with_(effects).run()
    assert abs(corrected.relative_error) < 2e-9  # the windings' own currents differ by 5e-4


@lru_cache(maxsize=1)
def bent() -> dict[str, Any]:
    beta = 1e-6 / I_NIST4**2
    names = ("quadratic_current_coefficient", "mutual_quadratic_coefficient")
    return {f"balance.{coil}.{name}": beta for coil in ("coil", "second_coil") for name in names}


def test_iron_that_both_windings_share_bends_the_voltage_three_times_as_much_as_the_force() -> None:
    uncorrected = short("nist4_omtp").ideal().with_({**bent(), "reduction.corrections.quadratic_current": False}).run()
    assert uncorrected.relative_error == pytest.approx(2e-6, rel=2e-3)
    assert abs(short("nist4_omtp").ideal().with_(bent()).run().relative_error) < 2e-8  # 1 %


@pytest.mark.parametrize("name", ["nist4_omtp", "nist4_power_regulated"])
def test_weakly_magnetic_copper_shifts_both_phases_alike(name: str) -> None:
    parts = [{"susceptibility": -1e-5, "area": 4.5e-4, "radius": 0.217}]
    plain, copper = (
        short(name).ideal().with_({f"balance.{coil}.parts": found for coil in ("coil", "second_coil")}).run()
        for found in ([], parts)
    )
    assert copper.mass.bl_Tm / plain.mass.bl_Tm - 1 == pytest.approx(1e-6, rel=1e-3)
    assert weighing_voltage(copper) / weighing_voltage(plain) - 1 == pytest.approx(-1e-6, rel=1e-3)
    assert abs(copper.mass.mass_kg / plain.mass.mass_kg - 1) < CLOSURE


def weighing_voltage(result: Result) -> float:
    """Size of the voltage across the resistor while weighing (V)."""
    blocks = result.readings.select("current_voltmeter", phase="weighing")
    return float(np.mean([abs(block.values.mean()) for block in blocks]))


# --- the mutual inductance --------------------------------------------------------------------------------------------


def mutual(**more: Any) -> dict[str, Any]:
    keys = {"mutual_curvature": 5e4, "mutual_inductance": 300.0}
    wired = {f"balance.{coil}.{key}": value for coil in ("coil", "second_coil") for key, value in keys.items()}
    return wired | {"balance.flexure.weighing_position": 1e-3} | more


def test_the_mutual_inductance_is_in_the_voltage_and_cancels_over_both_currents() -> None:
    """Off the symmetry plane the sensed Bl is larger by I M' with one current and smaller with the other."""
    result = short("nist4_omtp").ideal().with_(mutual()).run()
    found: dict[str, list[float]] = {"on": [], "off": []}
    for block in result.readings.select("induced_voltmeter", phase="velocity"):
        if block.labels["winding"] != 2:
            continue
        (edge,) = (
            e
            for e in result.readings.select("interferometer", phase="velocity")
            if e.schedule.start == block.schedule.start
        )
        speeds = np.diff(edge.values, axis=1) / (block.aperture / NS)
        found[str(block.labels["state"])].append(float((block.values / speeds).mean()))
    change = 0.5 * (np.mean(found["on"]) - np.mean(found["off"]))
    assert change == pytest.approx(-2 * 5e4 * 1e-3 * I_NIST4, rel=1e-3)
    assert abs(change) > 1e-3 * 695.9
    assert abs(result.relative_error) < CLOSURE


def test_unequal_currents_are_extrapolated_to_none() -> None:
    experiment = short("nist4_omtp").ideal().with_(mutual(**{"balance.test_mass.tare_fraction": 0.3}))
    assert abs(experiment.run().relative_error) < CLOSURE


def test_fluctuations_of_the_current_are_picked_up() -> None:
    noise = {"balance.current_source.white_noise": 1e-8}
    quiet, noisy = (short("nist4_omtp").ideal().with_(keys).run() for keys in ({}, {**mutual(), **noise}))
    rms = [run.mass.velocity[0].residual_rms for run in (quiet, noisy)]
    sigma = 1e-8 / math.sqrt(2 * 0.1)  # held over 0.1 s
    assert rms[0] < 1e-12
    assert rms[1] == pytest.approx(300.0 * math.sqrt(2) * sigma, rel=0.2)  # M ΔI over 1 s


# --- roles ------------------------------------------------------------------------------------------------------------


def test_the_windings_swap_roles() -> None:
    result = short("nist4_omtp").ideal().run()
    weighed = [b.labels["winding"] for b in result.readings.select("current_voltmeter", phase="weighing")]
    sensed = [b.labels["winding"] for b in result.readings.select("induced_voltmeter", phase="velocity")]
    assert weighed == [1, 1, 1, 1, 2, 2, 2, 2]
    assert sensed == [2, 2, 2, 2, 1, 1, 1, 1]
    volts = [b.values.mean() for b in result.readings.select("current_voltmeter", phase="weighing", state="on")]
    assert volts[0] / volts[-1] == pytest.approx(1.0005, rel=1e-9)
    assert result.mass.winding_ratio == pytest.approx(1.0005, rel=1e-12)


def test_without_the_swap_nothing_is_known_of_the_winding_that_weighs() -> None:
    result = short("nist4_omtp").run()
    known = certificates(result.scenario)
    first = [b for b in result.readings if b.labels.get("cycle") == 0]
    with pytest.raises(ReductionError, match="have not swapped roles"):
        reduce(first, known)


def test_a_velocity_block_without_its_partner_is_left_out_and_said() -> None:
    """One with the opposite current: alone it would tell Bl with a current."""
    result = short("nist4_omtp").ideal().with_(mutual()).run()
    gone = {"phase": "velocity", "cycle": 0, "block": 0, "state": "on"}
    left = [b for b in result.readings if not b.has(**gone)]
    found = reduce(left, certificates(result.scenario))
    (item,) = found.excluded
    assert (item.cycle, item.what) == (0, "velocity group")
    assert item.reason == "its partner with the opposite current is missing"
    assert abs(found.mass_kg - 1.0) < CLOSURE
    none = [b for b in result.readings if not b.has(phase="velocity", state="on")]
    with pytest.raises(ReductionError, match="no two velocity groups with opposite currents"):
        reduce(none, certificates(result.scenario))


def test_readings_lie_in_the_windows() -> None:
    result = short("nist4_omtp").run()
    campaign: Any = result.scenario.campaign
    held = result.readings.select("current_voltmeter", phase="weighing")
    found = [(b.schedule.start / NS, b.schedule.end / NS) for b in held]
    assert np.array_equal(found, campaign.weighing_windows())
    windows = []
    for block in result.readings.select("induced_voltmeter", phase="velocity"):
        starts = block.schedule.instants()[:, 0]
        windows += [(t / NS, (t + block.schedule.step * block.schedule.count) / NS) for t in starts.tolist()]
    assert np.array_equal(windows, campaign.velocity_windows())


def test_the_current_of_a_velocity_block_is_that_of_the_weighing_before_it() -> None:
    result = short("nist4_omtp").ideal().run()
    power = np.concatenate([b.values.ravel() for b in result.truth if b.channel == "coil.power"])
    full = I_NIST4**2 * 221.56
    for block, middle in itertools.product(range(4), (60, 100, 165)):
        assert power[210 * block + middle] == pytest.approx(full, rel=2e-4)
    assert power[210 + 20] == pytest.approx(full / 4, rel=1e-3)  # half way up the ramp
    assert power[[0, 210, 420, 630]] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("velocity.pairs", 16, "expected sweeps within the hold of 600 s, not 640 s"),
        ("exchange_time", 151.0, "expected exchange_time <= ramp"),
        ("cycles", 3, "expected cycles a multiple of exchange_every"),
        ("cycles", 2, "at least twice"),
        ("control_time", 599.5, "expected reading_step within the hold"),
    ],
)
def test_what_cannot_be(key: str, value: Any, expected: str) -> None:
    with pytest.raises(ScenarioError, match=expected):
        scenarios.load("nist4_omtp").with_({f"campaign.{key}": value})


def test_the_result_has_the_keys_of_tmtp() -> None:
    def keys(tree: Any) -> Any:
        return {key: keys(value) for key, value in tree.items()} if isinstance(tree, dict) else None

    summaries = [short(name).run().summary() for name in ("nist4_omtp", "nist4_power_regulated")]
    tmtp = scenarios.load("nist4_tmtp").with_({"campaign.cycles": 2, "campaign.velocity.pairs": 4}).run().summary()
    for summary in summaries:
        assert set(summary) == set(tmtp)
        for part in ("result", "true", "thermal", "contacts"):
            assert set(summary[part]) == set(tmtp[part])
        assert set(summary["result"]["corrections"]) == set(tmtp["result"]["corrections"])


@pytest.mark.parametrize("name", ["nist4_omtp", "nist4_power_regulated"])
def test_an_interrupted_run_goes_on_with_the_current_that_was_kept(name: str, tmp_path: Path) -> None:
    """Between a weighing and the sweeps with its current."""
    experiment = short(name)
    whole = experiment.run()

    class InterruptedRunError(Exception): ...

    def stop(step: Step | None, finished: int, total: int) -> None:
        if finished == 5:
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        experiment.run(store=tmp_path, progress=stop)
    resumed = experiment.run(store=tmp_path, resume=True)
    assert resumed.steps_resumed == 5
    assert resumed.mass.mass_kg == whole.mass.mass_kg
    assert len(resumed.readings) == len(whole.readings)
    assert all(np.array_equal(a.values, b.values) for a, b in zip(resumed.readings, whole.readings, strict=True))


@pytest.mark.parametrize("name", ["tsinghua_omtp", "tsinghua_power_regulated"])
def test_a_magnet_that_warms_makes_no_step(name: str) -> None:
    """From ambient, with every effect on: the first hold bends as the magnet warms."""
    result = scenarios.load(name).with_({"thermal.start": "ambient", "campaign.cycles": 4}).run()
    assert abs(result.relative_error) < 1e-6


def test_a_drift_of_the_emf_that_half_of_a_pair_tells_is_taken_out_once() -> None:
    """Of two sweeps no fit tells it, and the certificate does; with those of the other current its fit is in Bl."""
    result, rate, blocks = short("nist4_omtp").ideal().run(), 1e-7, Blocks()
    for block in result.readings:
        if block.has(phase="velocity") and block.channel == "induced_voltmeter":
            block = dataclasses.replace(block, values=block.values + rate * block.times())
        if block.has(phase="velocity", state="on") and block.schedule.repeats > 2:
            two = dataclasses.replace(block.schedule, repeats=2)
            block = dataclasses.replace(block, schedule=two, values=block.values[:2])
        blocks.append(block)
    known = certificates(result.scenario)
    unknown, told = (reduce(blocks, dataclasses.replace(known, thermal_emf_drift=drift)) for drift in (0.0, rate))
    off, right = (abs(mass.mass_kg / result.true.mass_kg - 1) for mass in (unknown, told))
    assert off > 1e-7 and right < 1e-4 * off  # the ratio of the windings is that of Bl before the certificate acts
    assert "not fitted in 4 of 4 velocity groups" in unknown.notes[0]


def test_what_fades_with_the_sign_of_the_current_is_found() -> None:
    """Flux that leaves the yoke after currents of opposite sense: with equal signs it would cancel in the mean."""
    result, blocks = (
        short("nist4_omtp").ideal().with_({"campaign.velocity.pairs": 15, "campaign.hold": 630.0}).run(),
        Blocks(),
    )
    for block in result.readings:
        if block.has(phase="velocity") and block.channel == "induced_voltmeter":
            sweeps = np.arange(block.values.shape[0])[:, None]
            sign = 1.0 if block.has(state="on") else -1.0
            block = dataclasses.replace(block, values=block.values + sign * 1e-4 * np.exp(-sweeps / 2.0))
        blocks.append(block)
    found = reduce(blocks, certificates(result.scenario))
    assert all("up and down alike, which fades" in item.reason for item in found.excluded)
    assert len(found.excluded) == 8 and abs(found.mass_kg / result.true.mass_kg - 1) < 1e-8
