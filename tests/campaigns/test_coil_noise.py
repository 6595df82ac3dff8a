"""The noise of a coil at rest: the spectrum finds what the parts were given, within its uncertainty."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.reduction import ReductionError
from scenarios.run.experiment import Experiment
from scenarios.run.measured import Measured
from scenarios.schema import ScenarioError

STILL = {"balance.ground_vibration.spectrum": []}
WIDE = {"reduction.floor_to": 400.0, "reduction.stretch": 1.0}


@lru_cache(maxsize=1)
def shipped() -> Experiment:
    return scenarios.load("nist4_noise")


def found(changes: dict[str, Any] | None = None, seed: int = 1) -> Measured:
    result = shipped().with_({"campaign.zero_time": 0.0, **(changes or {})}, seed=seed).run()
    assert isinstance(result, Measured)
    return result


def pull(result: Measured, key: str, true: float) -> float:
    quantity = result.findings[key]
    return float((quantity.value - true) / quantity.u)


# --- the floor -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [2e-7, 3e-6])
def test_the_floor_is_that_of_the_meter(noise: float) -> None:
    result = found({**STILL, **WIDE, "balance.induced_voltmeter.white_noise": noise})
    floor = result.findings["floor_V_per_rtHz"]
    assert floor.value == pytest.approx(noise, rel=0.03)
    assert float(floor.u) < 0.01 * noise
    assert abs(pull(result, "floor_V_per_rtHz", noise)) < 4
    assert abs(pull(result, "floor_exponent", 0.0)) < 4


def test_the_time_goes_with_the_power_over_the_voltage_squared() -> None:
    base = found({**STILL, **WIDE}).findings["time_s"].value
    twice = {"balance.induced_voltmeter.white_noise": 1.9e-6}
    assert found({**STILL, **WIDE, **twice}).findings["time_s"].value == pytest.approx(4 * base, rel=1e-2)
    assert found({**STILL, **WIDE, "balance.magnet.bl": 347.95}).findings["time_s"].value == pytest.approx(4 * base)
    assert found({**STILL, **WIDE, "reduction.velocity": 2e-3}).findings["time_s"].value == pytest.approx(base / 4)


def test_a_mean_of_that_time_has_the_uncertainty_that_was_asked_for() -> None:
    """Not by the formula: the scatter of means over the time for 1e-5, of readings made anew."""
    result = found({**STILL, **WIDE, "reduction.relative": 1e-4, "reduction.velocity": 1e-4})
    seconds = float(result.findings["time_s"].value)
    (block,) = result.readings.select("induced_voltmeter", phase="rest")
    n = round(seconds / 0.5e-3)
    means = block.values.ravel()[: block.values.size // n * n].reshape(-1, n).mean(axis=1)
    assert len(means) > 300
    assert np.std(means) / (695.9 * 1e-4) == pytest.approx(1e-4, rel=0.15)


def test_a_floor_that_is_not_white_is_told() -> None:
    result = found({**STILL, "balance.induced_voltmeter.flicker_noise": 3e-6})
    assert float(result.findings["floor_exponent"].value) == pytest.approx(-1.0, abs=0.4)
    assert any("not white" in note for note in result.findings.notes)


def test_without_noise_there_is_none() -> None:
    result = shipped().ideal().run()
    assert isinstance(result, Measured)
    assert result.findings["floor_V_per_rtHz"].value == 0.0
    assert result.findings["time_s"].value == 0.0
    assert result.findings.notes == ()


# --- resonances ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("frequency", "quality"), [(40.0, 30.0), (233.0, 60.0)])
def test_a_resonance_is_where_the_clamp_has_it(frequency: float, quality: float) -> None:
    """Peak: Bl times the velocity of a mode, p Q times that of the ground."""
    mode = {"frequency": frequency, "quality": quality, "participation": 0.3}
    pulls = []
    for seed in range(4):
        result = found({"balance.ground_vibration.resonances": [mode]}, seed)
        ground = 1e-9 * (10.0 / frequency) ** 2
        peak = 695.9 * 2 * np.pi * frequency * ground * 0.3 * quality
        true = {"resonances_Hz": frequency, "resonance_quality": quality, "resonance_peak_V_per_rtHz": peak}
        for key, value in true.items():
            quantity = result.findings[key]
            assert len(np.atleast_1d(quantity.value)) == 1
            pulls.append(float((quantity.value[0] - value) / quantity.u[0]))
            assert float(quantity.u[0]) < 0.25 * value
    assert np.sqrt(np.mean(np.square(pulls))) < 1.7


def test_as_much_as_the_profile_gives_where_the_coil_is() -> None:
    """The same vibration makes a voltage in proportion to Bl(z)."""
    away = {"balance.magnet.profile": [20.0], "balance.flexure.weighing_position": 5e-3}
    quiet = {"balance.induced_voltmeter.white_noise": 1e-9}
    peaks = [found(quiet | more).findings["resonance_peak_V_per_rtHz"].value for more in ({}, away)]
    np.testing.assert_allclose(peaks[1] / peaks[0], 1.1, rtol=2e-3)


def test_a_coil_that_follows_the_magnet_is_quiet() -> None:
    result = found({"balance.ground_vibration.resonances": [], **WIDE})
    assert abs(pull(result, "floor_V_per_rtHz", 0.95e-6)) < 4
    with pytest.raises(KeyError, match="no quantity 'resonances_Hz'"):
        result.findings["resonances_Hz"]


# --- the run ---------------------------------------------------------------------------------------------------------


def test_run_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["run", "nist4_noise", "--set", "campaign.zero_time=20 s", "--json", "--out", str(out)]) == 0
    summary = json.loads(capsys.readouterr().out)
    result = summary["result"]
    assert {"floor_V_per_rtHz", "u_floor_V_per_rtHz", "time_s", "u_time_s", "meter_V_per_rtHz"} <= set(result)
    assert summary["quantities"]["floor_V_per_rtHz"]["unit"] == "V/Hz^0.5"
    assert result["floor_V_per_rtHz"] < 1e-6
    assert len(result["resonances_Hz"]) == 4
    assert all(10 < f < 500 for f in result["resonances_Hz"])
    assert (out / "pictures" / "spectrum.png").stat().st_size > 5_000
    assert "how long Bl takes" in (out / "report.html").read_text(encoding="utf-8")


def test_wrong_values() -> None:
    with pytest.raises(ScenarioError, match="at least 100 readings within read_time"):
        scenarios.load("nist4_noise").with_({"campaign.read_time": 0.01})
    with pytest.raises(ScenarioError, match="expected floor_from below floor_to"):
        scenarios.load("nist4_noise").with_({"reduction.floor_from": 3.0})
    with pytest.raises(ReductionError, match=r"no value between 0\.001 and 0.002 Hz"):
        found({"reduction.floor_from": 1e-3, "reduction.floor_to": 2e-3})
