"""Moving mode: closure for every motion, each effect alone as theory has it, and what a naive sine fit gets wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.campaigns.moving_mode import MovingMode, Shape
from scenarios.cli.app import main
from scenarios.reduction import ReductionError
from scenarios.run.measured import Measured
from scenarios.schema import ScenarioError
from twin.times import Times

SHAPES: dict[str, dict[str, Any]] = {
    "sine": {"kind": "sine"},
    "flat": {"kind": "multi_harmonic"},
    "harmonics": {"kind": "multi_harmonic", "orders": [1, 2, 5], "relative": [1, 0.3, 0.1], "phases": [0.3, 1.0, -2.0]},
    "trapezoid": {"kind": "trapezoid", "ramp": 0.2},
}
QUADRATIC = {"balance.magnet.profile": [0.0, -2e4]}


def moved(effects: dict[str, Any] | None = None, **campaign: Any) -> Measured:
    """An ideal moving mode with these values of the balance, and of the campaign."""
    keys = {f"campaign.{key}": value for key, value in campaign.items()}
    plain = {"campaign.read_time": 4.0, "campaign.frequencies": [1.0], "campaign.calibration": 2.0}
    result = scenarios.load("moving_mode").ideal().with_({**plain, **(effects or {}), **keys}).run()
    assert isinstance(result, Measured)
    return result


def value(result: Measured, key: str) -> Any:
    return result.findings[key].value


def relative(result: Measured, key: str = "bl_Tm") -> float:
    return float(value(result, key)) / result.true["bl_Tm"] - 1.0


# --- closure ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", [0.1, 1.0, 12.3])
@pytest.mark.parametrize("shape", SHAPES)
def test_without_effects_every_motion_gives_bl(shape: str, frequency: float) -> None:
    result = moved(shape=SHAPES[shape], frequencies=[frequency], read_time=20.0, reading_step=2e-3)
    assert abs(relative(result)) < 1e-11
    assert abs(value(result, "delay_s")) < 1e-14
    assert result.true["bl_Tm"] == 1400.0


@pytest.mark.parametrize("amplitude", [1e-5, 1e-3])
def test_any_amplitude_and_any_table(amplitude: float) -> None:
    """A table of Bl by a spline: the polynomial follows where its order suffices."""
    z = np.linspace(-3e-3, 3e-3, 25)
    bl = 900.0 * (1.0 + 2.0 * z - 500.0 * z**2)
    table = {
        "balance.magnet.bl": None,
        "balance.magnet.profile": None,
        "balance.magnet.table": list(map(list, zip(z.tolist(), bl.tolist(), strict=True))),
    }
    result = moved(table, velocity=None, amplitude=amplitude)
    assert result.true["bl_Tm"] == pytest.approx(900.0, rel=1e-12)
    assert abs(relative(result)) < 1e-11
    assert value(result, "profile_1_per_m1") == pytest.approx(2.0, rel=1e-4)
    assert value(result, "profile_2_per_m2") == pytest.approx(-500.0, rel=1e-3)


@pytest.mark.parametrize("bl", [700.0, 1407.0])
def test_what_is_found_follows_the_magnet(bl: float) -> None:
    assert value(moved({"balance.magnet.bl": bl}), "bl_Tm") == pytest.approx(bl, rel=1e-12)


# --- effects, each alone ---------------------------------------------------------------------------------------------


def test_a_naive_sine_fit_is_wrong_by_the_quadratic_field() -> None:
    """U = Bl(0) (1 + b2 a² sin²) a ω cos: of sin² cos a quarter is at the first harmonic, not in the joint fit."""
    for amplitude in (5e-4, 1e-3):
        result = moved(QUADRATIC, velocity=None, amplitude=amplitude)
        expected = -2e4 * amplitude**2 / 4
        naive = float(value(result, "bl_naive_sinc_Tm")[0]) / result.true["bl_Tm"] - 1.0
        assert naive == pytest.approx(expected, rel=0.01)
        assert abs(relative(result)) < 1e-9 * abs(expected) + 1e-12
    # without the profile in the fit its bias is of that size too
    flat = moved({**QUADRATIC, "reduction.profile_order": 0}, velocity=None, amplitude=1e-3)
    assert abs(relative(flat)) > 0.3 * 2e4 * 1e-6 / 4


def test_the_aperture_takes_a_sinc_from_the_naive_fit_alone() -> None:
    frequencies = [1.0, 5.0, 12.5]
    result = moved({"balance.magnet.profile": [], "reduction.periodic_error": False}, frequencies=frequencies)
    lost = value(result, "bl_naive_Tm") / value(result, "bl_of_frequency_Tm")
    np.testing.assert_allclose(lost, np.sinc(0.01 * np.array(frequencies)), rtol=1e-12)
    np.testing.assert_allclose(value(result, "bl_of_frequency_Tm"), 1400.0, rtol=1e-11)


@pytest.mark.parametrize("shape", ["sine", "flat", "harmonics"])
@pytest.mark.parametrize("latency", [10e-6, 3e-3])
def test_a_skew_is_found_and_costs_nothing(shape: str, latency: float) -> None:
    """The voltmeter starts late: its voltage is ahead of the positions. A naive fit would lose half its square."""
    result = moved(
        {"balance.induced_voltmeter.trigger_latency": latency, **QUADRATIC}, shape=SHAPES[shape], frequencies=[2.0]
    )
    assert value(result, "delay_s") == pytest.approx(-latency, rel=1e-9, abs=1e-12)
    assert abs(relative(result)) < 1e-9


def test_the_circuit_resonates_and_delays() -> None:
    """U = Bl v/(1 − ω² L C + iω R C): its phase is the delay, what remains in phase with the delayed velocity |H|."""
    inductance, capacitance, resistance = 19.2, 20e-9, 2400.0
    circuit = {
        "balance.circuit.capacitance": capacitance,
        "balance.circuit.inductance": inductance,
        "balance.circuit.nominal_resistance": resistance,
    }
    frequencies = np.array([1.0, 4.0, 8.0])
    result = moved(circuit, frequencies=frequencies.tolist())
    omega = 2 * np.pi * frequencies
    h = 1.0 / (1.0 - omega**2 * inductance * capacitance + 1j * omega * resistance * capacitance)
    found = value(result, "bl_of_frequency_Tm") / 1400.0 - 1.0
    np.testing.assert_allclose(found, np.abs(h) - 1.0, rtol=2e-3)
    np.testing.assert_allclose(value(result, "delays_s"), -np.angle(h) / omega, rtol=2e-3)
    lc = inductance * capacitance - (resistance * capacitance) ** 2 / 2
    assert value(result, "curvature_s2") == pytest.approx(lc, rel=2e-3)
    assert abs(relative(result)) < 0.01 * abs(found[-1])


@pytest.mark.parametrize("shape", ["flat", "harmonics"])
def test_several_harmonics_tell_the_resonance_at_one_frequency(shape: str) -> None:
    """What is not fitted would be taken for a profile, and Bl at its centre with it."""
    inductance, capacitance = 19.2, 5e-9
    circuit = {
        "balance.circuit.capacitance": capacitance,
        "balance.circuit.inductance": inductance,
        "balance.circuit.nominal_resistance": 2400.0,
    }
    result = moved(circuit, shape=SHAPES[shape])
    assert value(result, "curvature_s2") == pytest.approx(inductance * capacitance, rel=5e-3)
    assert abs(relative(result)) < 0.01 * inductance * capacitance * (2 * np.pi) ** 2


def test_the_meter_loads_the_coil() -> None:
    conductance = 1e-9
    result = moved({"balance.induced_voltmeter.input_conductance": conductance})
    assert relative(result) == pytest.approx(-2400.0 * conductance, rel=1e-3)


@pytest.mark.parametrize("error", [0.2e-9, 2e-9])
def test_the_periodic_error_is_found(error: float) -> None:
    effect = {"balance.interferometer.nonlinearity": error}
    result = moved(effect, frequencies=[0.7])
    assert value(result, "periodic_error_m")[0] == pytest.approx(error, rel=1e-2)
    assert abs(relative(result)) < 1e-7  # of second order: the error's phase is read with the error
    ignored = moved({**effect, "reduction.periodic_error": False}, frequencies=[0.7])
    assert value(ignored, "residual_rms_V")[0] > 10 * value(result, "residual_rms_V")[0]


def test_air_slows_the_light_and_the_reduction_knows() -> None:
    air = {"balance.environment.pressure": 1e5, "balance.environment.humidity": 0.4}
    assert abs(relative(moved(air))) < 1e-10
    assert relative(moved({**air, "reduction.refraction": False})) == pytest.approx(-2.6e-4, rel=0.05)


def test_the_meter_is_calibrated_against_the_reference() -> None:
    gain = {"balance.induced_voltmeter.gain": 3e-6}
    assert abs(relative(moved(gain))) < 1e-11
    assert relative(moved({**gain, "reduction.voltmeter_calibration": False})) == pytest.approx(3e-6, rel=1e-6)


def test_readings_that_cannot_tell_are_refused() -> None:
    with pytest.raises(ReductionError, match="choose a frequency whose cycles are not read at the same few phases"):
        moved(frequencies=[12.5])


@pytest.mark.parametrize("share", [0.0, 0.9])
def test_vibration_is_seen_by_both_and_cancels_but_for_the_reference(share: float) -> None:
    """Vibration moves coil and interferometer alike where the reference does not follow the ground."""
    effect = {
        "balance.ground_vibration.spectrum": [[0.05, 1e-8], [10, 1e-8]],
        "balance.ground_vibration.reference_share": share,
    }
    result = moved(effect, read_time=20.0)
    rms = float(value(result, "residual_rms_V")[0])
    if share == 0.0:
        assert rms < 1e-9
    else:
        assert rms > 1e-5
    quantity = result.findings["bl_Tm"]
    assert abs(relative(result)) * 1400.0 < 4 * float(quantity.u or 0.0) + 1e-9


def test_the_uncertainty_covers_the_error() -> None:
    """All effects and noise on, 12 seeds: the spread is what is stated."""
    experiment = scenarios.load("moving_mode").with_({"campaign.read_time": 8.0})
    z = []
    for seed in range(12):
        result = experiment.with_(seed=seed).run()
        q = result.findings["bl_Tm"]
        z.append((q.value - result.true["bl_Tm"]) / q.u)
    assert 0.4 < np.sqrt(np.mean(np.square(z))) < 1.8


# --- the run ---------------------------------------------------------------------------------------------------------


def test_run_prints_quantities_under_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "moving_mode", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    result = found["result"]
    assert found["campaign"] == "moving_mode"
    assert {"bl_Tm", "u_bl_Tm", "curvature_s2", "delay_s", "bl_of_frequency_Tm", "frequencies_Hz"} <= set(result)
    assert result["frequencies_Hz"] == [0.5, 1, 2, 4, 8]
    assert abs(result["bl_Tm"] - found["true"]["bl_Tm"]) < 5 * result["u_bl_Tm"]
    assert main(["run", "moving_mode"]) == 0
    assert "in the limit of slow motion" in capsys.readouterr().out


def test_a_run_is_kept_resumed_and_reduced_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from scenarios.run.reopen import reopen

    out = tmp_path / "run"
    assert main(["run", "moving_mode", "--json", "--out", str(out)]) == 0
    first = json.loads(capsys.readouterr().out)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "in the limit of slow motion" in page
    assert "Bl against the frequency of the motion" in page
    assert (out / "pictures" / "bl_of_frequency.png").stat().st_size > 5_000
    again, origin = reopen(out)
    assert again.summary()["result"] == first["result"]
    assert origin.mass_kg is None
    other, _ = reopen(out, ["reduction.profile_order=0"])
    assert other.summary()["result"]["bl_Tm"] != first["result"]["bl_Tm"]


@pytest.mark.parametrize(
    ("key", "wrong", "said"),
    [
        ("campaign.amplitude", 1e-3, "expected an amplitude or a velocity, and not both"),
        ("campaign.frequencies", [50.0], "at least 5 readings in each cycle"),
        ("campaign", {"shape": {"kind": "multi_harmonic"}, "frequencies": [4.0]}, "at least 27 readings in each cycle"),
        ("campaign.shape.ramp", 0.6, "less than 0.5"),
        ("thermal.start", "ambient", "unknown key 'thermal'"),
        ("reduction.drift_order", 1, "unknown key 'drift_order'"),
    ],
)
def test_wrong_values(key: str, wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenarios.load("moving_mode").with_({key: wrong})


def test_a_missing_instrument_is_named() -> None:
    wiring = {key: None for key in scenarios.load("moving_mode").scenario.wiring if key.startswith("interferometer.")}
    without = scenarios.load("moving_mode").with_({"balance.interferometer": None, "balance.wiring": wiring})
    with pytest.raises(ScenarioError, match="moving mode needs the role Interferometer, called 'interferometer'"):
        without.run()


@pytest.mark.parametrize("kind", ["trapezoid", "multi_harmonic"])
def test_the_velocity_is_that_of_the_flat_part(kind: str) -> None:
    campaign = MovingMode(velocity=4e-4, frequencies=[2.0], shape=Shape(kind=kind))
    speeds = []
    for law in campaign.laws(0.0, 2.0, 0):
        assert law.end is not None
        speeds.append(law.derivative().evaluate(Times(np.arange(law.start, law.end, 100_000, dtype=np.int64))))
    speed = np.sort(np.abs(np.concatenate(speeds)))
    assert float(np.median(speed)) == pytest.approx(4e-4, rel=5e-3)
