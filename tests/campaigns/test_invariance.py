"""What must not change a result, and what must: seeds, neighbours, truth, the start; and noise of the stated size."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.reduction import ReductionSettings, reduce
from scenarios.run import execute as execution
from scenarios.run.certificates import certificates
from scenarios.run.experiment import Experiment
from scenarios.run.result import Result
from tests.campaigns.runs import alone, short
from twin.recorder import Block, Blocks, Recorder

NIST4 = "nist4_tmtp"
# Every component with noise has some, of another size each.
NOISY: dict[str, Any] = {
    "balance.current_source.white_noise": 1e-9,
    "balance.resistor.flicker_noise": 2e-9,
    "balance.interferometer.flicker_noise": 1e-12,
    "balance.induced_voltmeter.flicker_noise": 1e-7,
}
SECOND = {
    "balance": {
        "aaa_thermometer": {"type": "thermometer", "white_noise": 1e-3},
        "wiring": {"aaa_thermometer.temperature_rise": "thermal_mass.magnet_temperature_rise"},
    }
}


def key(block: Block) -> tuple[Any, ...]:
    return block.channel, block.quantity, block.schedule, tuple(sorted(block.labels.items()))


def same(a: Blocks, b: Blocks) -> list[bool]:
    """Block by block, whether the values are the same bit for bit; the rest has to be."""
    assert [key(x) for x in a] == [key(x) for x in b]
    return [np.array_equal(x.values, y.values) for x, y in zip(a, b, strict=True)]


# --- seeds and neighbours --------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    first, second = (short(NIST4).with_(NOISY).run() for _ in range(2))
    assert all(same(first.readings, second.readings))
    assert all(same(first.truth, second.truth))
    assert first.mass.mass_kg == second.mass.mass_kg
    other = short(NIST4).with_(NOISY).with_(seed=2).run()
    assert not any(same(first.readings, other.readings))
    assert other.mass.mass_kg != first.mass.mass_kg


def test_a_component_more_changes_nobody_elses_reading() -> None:
    alone_, with_another = short(NIST4).with_(NOISY).run(), short(NIST4).with_(NOISY).with_(SECOND).run()
    assert "aaa_thermometer" in with_another.scenario.components()
    assert all(same(alone_.readings, with_another.readings))
    assert all(same(alone_.truth, with_another.truth))


def test_noise_of_one_instrument_leaves_the_others_as_they_are() -> None:
    quiet, loud = (
        short(NIST4).ideal().with_({"balance.induced_voltmeter.white_noise": noise, **NOISY}).run()
        for noise in (1e-9, 1e-6)
    )
    changed = [not equal for equal in same(quiet.readings, loud.readings)]
    assert changed == [block.channel == "induced_voltmeter" for block in quiet.readings]


# --- truth -----------------------------------------------------------------------------------------------------------


class Poison(Blocks):
    """Truth that must not be looked at while a mass is reduced."""

    reducing = False

    def _refuse(self) -> None:
        if Poison.reducing:
            raise AssertionError("the reduction looked at the truth")

    def __iter__(self) -> Any:
        self._refuse()
        return super().__iter__()

    def __len__(self) -> int:
        self._refuse()
        return super().__len__()

    def select(self, channel: str | None = None, **labels: Any) -> Blocks:
        self._refuse()
        return super().select(channel, **labels)

    def since(self, count: int) -> list[Block]:
        self._refuse()
        return super().since(count)


def test_the_reduction_does_not_look_at_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = short(NIST4).run()

    def poisoned_reduce(*arguments: Any) -> Any:
        Poison.reducing = True
        try:
            with pytest.raises(AssertionError, match="looked at the truth"):
                list(recorders[-1].truth)  # the poison works
            return reduce(*arguments)
        finally:
            Poison.reducing = False

    recorders: list[Recorder] = []
    build = Recorder.__init__

    def poisoned_recorder(self: Recorder, *arguments: Any, **keywords: Any) -> None:
        build(self, *arguments, **keywords)
        self.truth = Poison()
        recorders.append(self)

    monkeypatch.setattr(Recorder, "__init__", poisoned_recorder)
    monkeypatch.setattr(execution, "reduce", poisoned_reduce)
    assert short(NIST4).run().mass.mass_kg == plain.mass.mass_kg


def test_readings_and_certificates_are_all_that_a_reduction_needs() -> None:
    result = short(NIST4).run()
    copies = [Block(**{**vars(block), "values": block.values.copy()}) for block in result.readings]
    found = reduce(copies, certificates(result.scenario), result.scenario.section("reduction", ReductionSettings))
    assert found.mass_kg == result.mass.mass_kg
    channels = {block.channel for block in result.readings}
    assert not any("." in channel for channel in channels)  # truth is named component.port
    assert all("." in block.channel for block in result.truth)


def test_the_true_mass_is_not_known_to_the_reduction() -> None:
    """Another mass of the same weight: the reading is the same, and so is the result, whatever the truth says."""
    result = alone(NIST4, {"test_mass.density": 1e4})
    assert result.mass.mass_kg == pytest.approx(1.0, rel=1e-12)
    wrong = reduce(result.readings, certificates(result.scenario.with_({"balance.test_mass.mass": 2.0})))
    assert wrong.mass_kg == result.mass.mass_kg


# --- start -----------------------------------------------------------------------------------------------------------


def whole(start: str, **more: Any) -> Result:
    keys = {key_.replace("__", "."): value for key_, value in more.items()}
    heated = {
        "balance.magnet.temperature_coefficient": -1e-3,
        "balance.magnet.profile": [],  # with a profile the glide to the weighing position changes the power a little
        "thermal.start": start,
        "thermal.average": "remainder",
    }
    return scenarios.load("tsinghua_tmtp").ideal().with_({**heated, **keys}).run()


def test_steady_state_repeats_itself_and_a_start_from_ambient_approaches_it() -> None:
    steady = whole("steady_state")
    rise = [block for block in steady.truth if block.channel == "thermal_mass.magnet_temperature_rise"]
    values = np.concatenate([block.values.ravel() for block in rise])[: 4 * 7200].reshape(4, 7200)
    assert np.abs(values - values[0]).max() < 1e-11 * np.abs(values).max()

    late = whole("ambient", campaign__cycles=20, thermal__periods=2, thermal__drift_order=0)
    ambient = whole("ambient", thermal__drift_fit="joint")
    assert steady.thermal is not None
    assert late.thermal is not None
    assert ambient.thermal is not None
    assert late.thermal.delta_t_m_K == pytest.approx(steady.thermal.delta_t_m_K, rel=1e-3)
    start = next(block for block in ambient.truth if block.channel == rise[0].channel)
    assert start.values[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert ambient.thermal.drift_order == 6
    assert steady.thermal.drift_order is None
    assert ambient.thermal.delta_t_f_K == pytest.approx(steady.thermal.delta_t_f_K, rel=0.05)


def test_the_room_need_not_have_the_reference_temperature() -> None:
    """In the steady state a warmer room adds its temperature to everything, and nothing to the bias."""
    cold, warm = (
        whole("steady_state", campaign__cycles=2),
        whole("steady_state", campaign__cycles=2, balance__environment__temperature=301.15),
    )
    assert cold.thermal is not None
    assert warm.thermal is not None
    assert warm.thermal.delta_t_m_K == pytest.approx(cold.thermal.delta_t_m_K, rel=0.01)
    assert warm.relative_error == pytest.approx(cold.relative_error, rel=0.02)
    assert warm.true.bl_Tm == pytest.approx(cold.true.bl_Tm * (1 - 3e-3), rel=1e-5)


# --- noise -----------------------------------------------------------------------------------------------------------


def noisy() -> Experiment:
    """White noise only, and a short campaign; ideal certificates have no uncertainty."""
    white = {
        "balance.current_voltmeter.white_noise": 1e-6,
        "balance.induced_voltmeter.white_noise": 3e-6,
        "balance.interferometer.white_noise": 1e-11,
    }
    return short(NIST4).ideal().with_({**white, "campaign.velocity.pairs": 10})


def scores(seeds: range) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(m − m_true)/u of each seed."""
    results = [noisy().with_(seed=seed).run() for seed in seeds]
    assert len({result.mass.mass_kg for result in results}) == len(results)
    return np.array([result.relative_error / result.mass.u_relative for result in results])


def consistent(z: Any, dof: float) -> None:
    """Mean 0 and the standard deviation of Student's t, both within 4 σ."""
    n, sigma = len(z), np.sqrt(dof / (dof - 2))
    assert abs(z.mean()) < 4 * sigma / np.sqrt(n)
    assert abs(z.std(ddof=1) / sigma - 1) < 4 / np.sqrt(2 * (n - 1))


def test_the_uncertainty_is_that_of_the_noise() -> None:
    consistent(scores(range(100, 120)), noisy().run().mass.dof)


@pytest.mark.nightly
def test_the_uncertainty_is_that_of_the_noise_of_many_runs() -> None:
    consistent(scores(range(1000, 1100)), noisy().run().mass.dof)


# --- memory ----------------------------------------------------------------------------------------------------------

TEN_DAYS = """
import resource, scenarios
result = scenarios.load("kbmini_tmtp").with_({"campaign.cycles": 240}).run()
assert result.virtual_s == 864000.0
assert result.readings.samples > 29_000_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.nightly
def test_ten_days_stay_below_a_gigabyte() -> None:
    done = subprocess.run([sys.executable, "-c", TEN_DAYS], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 1e9


def test_a_start_from_ambient_starts_at_the_temperature_of_the_room() -> None:
    """All nodes at room temperature, whatever the reference temperature is."""
    result = (
        scenarios.load("nist4_tmtp")
        .with_(
            {
                "campaign.cycles": 1,
                "thermal.start": "ambient",
                "thermal.drift_order": 0,
                "balance.environment.temperature": "26 degC",
            }
        )
        .run()
    )
    rise = next(iter(result.truth.select("thermal_mass.magnet_temperature_rise")))
    assert rise.values[0, 0] == pytest.approx(1.0, abs=1e-12)
    assert np.ptp(rise.values) < 1e-4
