"""What the laboratory believes: parameters with their uncertainties, never the deviations."""

from __future__ import annotations

import math

import numpy as np
import pytest

import scenarios
from scenarios.reduction import Certificates
from scenarios.run.certificates import certificates, wander
from scenarios.schema import ScenarioError
from twin.errors import WiringError
from twin.noise import NoiseFigures, NoiseSource, Streams


def known(**changes: object) -> Certificates:
    return certificates(scenarios.load("kbmini_tmtp").with_(changes).scenario)


@pytest.mark.parametrize("duration", [600, 28800])
def test_the_reference_wanders_as_far_as_its_noise_does(duration: int) -> None:
    """The mean over a run of a source with flicker noise, which is stationary, against its stated deviation."""
    figures, instants = NoiseFigures(flicker=1.0), np.zeros(1, dtype=np.int64)
    means = [NoiseSource(figures, Streams(seed), "x").sample(instants, duration * 10**9)[0] for seed in range(800)]
    assert wander(1.0, duration) == pytest.approx(np.std(means), rel=0.08)
    assert wander(0.0, duration) == 0.0


def test_longer_runs_wander_less() -> None:
    assert wander(1.0, 1e-9) > wander(1.0, 600) > wander(1.0, 28800) > wander(1.0, 1e7)


def test_uncertainties_are_absolute_and_a_gain_joins_the_value_it_spoils() -> None:
    found = known(
        **{
            "balance.resistor.uncertainties": {"resistance": "0.03 ppm", "gain": "0.04 ppm"},
            "balance.voltage_reference.uncertainties": {"voltage": {"size": "1 uV", "confidence": 0.95, "dof": 12}},
            "balance.interferometer.uncertainties": {"gain": {"size": 3e-8, "distribution": "rectangular"}},
        }
    ).estimates()
    assert found["resistance"].u == pytest.approx(1e3 * 5e-8)
    assert (found["reference_voltage"].u, found["reference_voltage"].dof) == (pytest.approx(1e-6 / 2.178813), 12)
    laser = found["laser"]
    assert (laser.value, laser.u, laser.distribution) == (1.0, pytest.approx(3e-8 / math.sqrt(3)), "rectangular")


def test_deviations_that_nobody_knows_are_not_believed() -> None:
    deviating = {"resistor.gain": 1e-6, "interferometer.gain": 1e-6, "environment.pressure_offset": 10.0}
    values = known(**{f"balance.{name}": value for name, value in deviating.items()}).values()
    assert values == known().values()


def test_deviations_that_a_certificate_states_are_believed_with_their_uncertainty() -> None:
    found = known(
        **{
            "balance.resistor": {"gain": 1e-6, "certified": ["gain"], "uncertainties": {"gain": 2e-8}},
            "balance.voltage_reference": {"gain": 1e-6, "offset": 2e-5, "certified": ["gain", "offset"]},
            "balance.interferometer": {"gain": 3e-8, "gain_drift": 1e-12, "certified": ["gain", "gain_drift"]},
            "balance.environment": {
                "pressure_offset": 10.0,
                "air_density_error": 1e-4,
                "certified": ["pressure_offset"],
            },
        }
    )
    values, plain = found.values(), known().values()
    expected = {
        "resistance": 1e3 * (1 + 1e-6),
        "reference_voltage": 10.0 * (1 + 1e-6) + 2e-5,
        "laser": 1 + 3e-8,
        "laser_drift": 1e-12,
        "air_pressure": 10.0,
    }
    assert {name: value for name, value in values.items() if value != plain[name]} == pytest.approx(expected, rel=1e-12)
    assert found.estimates()["resistance"].u == pytest.approx(1e3 * math.hypot(1e-8, 2e-8))


def test_a_thermometer_whose_certificate_states_what_it_shows_is_read_by_it() -> None:
    """Of 1 + α T only the ratio between the phases counts: as with the coefficient for what is shown."""
    alpha, zero, gain = -1e-3, 2.0, 0.01
    plain = known(**{"balance.magnet.temperature_coefficient": alpha}).values()["temperature_coefficient"]
    sensor = {"offset": zero, "gain": gain, "alpha_error": 1e-3, "certified": ["gain", "offset"]}
    changes = {"balance.magnet.temperature_coefficient": alpha, "balance.magnet_thermometer": sensor}
    own = known(**changes).values()["temperature_coefficient"]
    true = 1 + plain * np.array([0.3, 0.7])
    shown = 1 + own * (zero + (1 + gain) * np.array([0.3, 0.7]))
    assert shown[1] / shown[0] == pytest.approx(true[1] / true[0], rel=1e-12)


def test_what_no_certificate_can_state_is_refused() -> None:
    with pytest.raises(WiringError, match="certified: the reduction has no use for the value of offset"):
        known(**{"balance.current_voltmeter.certified": ["offset"]})
    with pytest.raises(ScenarioError, match=r"expected names of its parameters .* not 'colour'"):
        known(**{"balance.resistor.certified": ["colour"]})


def test_what_relaxes_is_a_share_of_the_stiffness() -> None:
    part = {"defect": 1e-4, "stiffness": 5.0, "rest": 2e-3, "uncertainties": {"defect": 3e-5, "stiffness": 0.2}}
    found = known(**{"balance.after_effect": part})
    strength = found.estimates()["after_effect_strength"]
    assert strength.value == pytest.approx(5e-4)
    assert strength.u == pytest.approx(math.hypot(5.0 * 3e-5, 1e-4 * 0.2))
    assert found.after_effect_rest == 2e-3


def test_parts_that_a_balance_lacks_are_neutral() -> None:
    ideal = certificates(scenarios.load("kbmini_tmtp").ideal().scenario)
    neutral = Certificates(resistance=1.0, gravity=1.0).values()
    for name in ("leakage", "support_compliance", "coil_tilt_x", "remanence", "after_effect_time_constants", "tide"):
        assert ideal.values()[name] == neutral[name]


def test_drifts_and_scales_that_are_uncertain_reach_the_budget() -> None:
    """The interferometer's scale by half the run; α_m as badly as the scale of the thermometer beside it."""
    half = 0.5 * 8 * 3600
    laser = known(**{"balance.interferometer.uncertainties": {"gain": 3e-8, "gain_drift": 4e-8 / half}})
    assert laser.estimates()["laser"].u == pytest.approx(5e-8)
    scales = {"gain": 3e-3, "alpha_error": 4e-3, "offset": 1.0}
    changes = {
        "balance.magnet.uncertainties": {"temperature_coefficient": 0.0},
        "balance.magnet_thermometer.uncertainties": scales,
    }
    alpha = known(**changes).estimates()["temperature_coefficient"]
    assert alpha.u == pytest.approx(5e-3 * abs(alpha.value))
    assert known(**{"balance.environment.uncertainties.co2_fraction": 5e-5}).estimates()["co2"].u == 5e-5


@pytest.mark.parametrize(
    ("part", "parameter"),
    [("interferometer", "dead_path"), ("current_voltmeter", "time_base_error"), ("flexure", "compliance")],
)
def test_an_uncertainty_that_no_line_of_the_budget_shows_is_refused(part: str, parameter: str) -> None:
    scenario = scenarios.load("kbmini_tmtp")
    with pytest.raises(WiringError, match=f"uncertainties.{parameter}: the budget has no line") as refused:
        certificates(scenario.with_({f"balance.{part}.uncertainties": {parameter: 1e-9}}).scenario)
    assert refused.value.ends == (part,)


@pytest.mark.parametrize("part", ["current_source", "ground_vibration", "thermal_mass", "position_detector"])
def test_parts_that_only_watch_or_are_measured_may_be_uncertain(part: str) -> None:
    scenario = scenarios.load("kbmini_tmtp").scenario
    stated = [key for key, value in scenario.components()[part] if type(value) is float and value > 0][:1]
    changed = {f"balance.{part}.uncertainties": dict.fromkeys(stated, 1e-12)}
    assert stated
    assert certificates(scenario.with_(changed)).estimates() == known().estimates()
