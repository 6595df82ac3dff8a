"""Anti-series TMTP: both windings weigh in series and move in anti-series, with the same current."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.run.experiment import Experiment
from scenarios.run.result import Result

CLOSURE = 1e-12
NAMES = ("nist4_anti_series", "tsinghua_anti_series", "kbmini_anti_series")
QUARTER = 0.25 * 9.80665 / 695.9  # A: what NIST-4 weighs 1 kg with


def short(name: str = "nist4_anti_series", **overrides: Any) -> Experiment:
    """Two cycles with few weighings and sweeps from ambient; keywords are paths with double underscores for dots."""
    paths: dict[str, Any] = {"campaign.cycles": 2, "campaign.velocity.pairs": 4, "campaign.weighing.count": 6}
    paths["thermal.start"] = "ambient"
    return scenarios.load(name).with_(paths | {key.replace("__", "."): value for key, value in overrides.items()})


def closes(experiment: Experiment) -> Result:
    result = experiment.run()
    assert abs(result.relative_error) < CLOSURE
    assert abs(result.mass.bl_Tm / result.true.bl_Tm - 1) < CLOSURE
    return result


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_campaign_closes(name: str) -> None:
    assert closes(scenarios.load(name).ideal()).virtual_s == 8 * 3600


@pytest.mark.parametrize(
    "keys",
    [
        {"balance.test_mass.mass": 0.01},
        {"balance.scale": 0.3},
        {"balance.test_mass.tare_fraction": 0.3},
        {"balance.second_coil.winding_factor": 1.03},
        {"balance.second_coil.resistance": 300.0},
        {"balance.flexure.weighing_position": 2e-3, "balance.magnet.profile": [0.5, -3.0]},
        {"campaign.weighing.count": 5},
    ],
    ids=lambda keys: ", ".join(key.rpartition(".")[2] for key in keys),
)
def test_what_is_no_effect_on_the_mass(keys: dict[str, Any]) -> None:
    closes(short().ideal().with_(keys))


def test_both_windings_weigh_together() -> None:
    result = closes(short().ideal().with_({"balance.second_coil.winding_factor": 1.0}))
    assert result.true.bl_Tm == pytest.approx(2 * 695.9, rel=1e-12)
    volts = [b.values.mean() / 100.0 for b in result.readings.select("current_voltmeter", phase="weighing")]
    assert np.abs(volts) == pytest.approx(np.full(12, QUARTER), rel=2e-4)  # less buoyancy


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_a_larger_factor_while_weighing_shows_as_a_smaller_mass(shared: float) -> None:
    """By the current effect: of each winding on itself, or of iron that both share, which sees no current in the
    velocity phase and twice the current while weighing."""
    size = 1e-6 / QUARTER**2 / (4.0 if shared else 1.0)
    effects = {f"balance.{coil}.quadratic_current_coefficient": size for coil in ("coil", "second_coil")}
    effects |= {f"balance.{coil}.mutual_quadratic_coefficient": shared * size for coil in ("coil", "second_coil")}
    without = short().ideal().with_({**effects, "reduction.corrections.quadratic_current": False}).run()
    expected = -1e-6 if shared else 3e-6 - 1e-6
    assert without.relative_error == pytest.approx(expected, rel=2e-3)
    # The current is kept where the sweeps begin, where Bl is 2.4e-4 less: its square is that of the weighing to 4.8e-4.
    left = CLOSURE if shared else 5e-4 * 3e-6
    assert abs(short().ideal().with_(effects).run().relative_error) < left


def test_weakly_magnetic_copper_shifts_both_phases_alike() -> None:
    parts = [{"susceptibility": -1e-5, "area": 4.5e-4, "radius": 0.217}]
    plain, copper = (
        short().ideal().with_({f"balance.{coil}.parts": found for coil in ("coil", "second_coil")}).run()
        for found in ([], parts)
    )
    assert copper.mass.bl_Tm / plain.mass.bl_Tm - 1 == pytest.approx(1e-6, rel=1e-3)
    assert abs(copper.mass.mass_kg / plain.mass.mass_kg - 1) < CLOSURE


def test_reluctance_of_both_and_between_them() -> None:
    """F = −(k1 + k2 + 2 k_M) z I²: off the symmetry plane, with unequal currents, the mass is wrong without it."""
    keys: dict[str, Any] = {"balance.flexure.weighing_position": 1e-3, "balance.test_mass.tare_fraction": 0.3}
    keys |= {f"balance.{coil}.{k}": 3e3 for coil in ("coil", "second_coil") for k in ("inductance_curvature",)}
    keys |= {f"balance.{coil}.mutual_curvature": 2e3 for coil in ("coil", "second_coil")}
    result = short().ideal().with_(keys).run()
    assert abs(result.relative_error) < CLOSURE
    wrong = short().ideal().with_({**keys, "reduction.corrections.reluctance": False}).run()
    on, off = 0.7 * 2 * QUARTER, -0.3 * 2 * QUARTER
    expected = -10e3 * 1e-3 * (on**2 - off**2) / 9.80665
    assert wrong.relative_error == pytest.approx(-expected, rel=1e-2)


def test_the_difference_of_the_resistances_is_an_offset_of_the_voltage() -> None:
    keys = {"balance.second_coil.resistance": 221.56 * (1 + 1e-3)}
    even, odd = (short().ideal().with_(k).run() for k in ({"balance.second_coil.resistance": 221.56}, keys))
    change = odd.mass.velocity[0].offset - even.mass.velocity[0].offset
    assert abs(change) == pytest.approx(QUARTER * 0.22156, rel=2e-4)
    assert abs(odd.relative_error) < CLOSURE


def test_a_drift_of_that_difference_biases_the_mass_in_proportion() -> None:
    """Windings of unequal temperature coefficients warm alike: the offset drifts while the coil goes up and down.

    Fitted with Bl it leaves what is not linear of it.
    """

    def error(difference: float, fitted: bool = False) -> float:
        keys: dict[str, Any] = {"balance.second_coil.resistance": 221.56}
        keys["reduction.corrections.offset_drift"] = fitted
        keys["balance.coil.resistance_temperature_coefficient"] = 3.93e-3
        keys["balance.second_coil.resistance_temperature_coefficient"] = 3.93e-3 * (1 + difference)
        return short().ideal().with_(keys).run().relative_error

    small, large = error(0.1), error(0.2)
    assert abs(small) > 1e-11
    assert large / small == pytest.approx(2.0, rel=1e-2)
    assert abs(error(0.0)) < CLOSURE
    assert abs(error(0.2, fitted=True)) < 1e-3 * abs(large)


def test_heat_is_constant_but_for_the_ramps() -> None:
    tmtp, anti = (scenarios.load(f"nist4_{scheme}").run().thermal for scheme in ("tmtp", "anti_series"))
    assert tmtp is not None
    assert anti is not None
    assert anti.delta_t_f_K < 0.01 * tmtp.delta_t_f_K
