"""Liu2025: what the paper states of schemes and systems, as whole campaigns have it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.run.measured import Measured
from scenarios.run.result import Result


@lru_cache(maxsize=2)
def short(name: str) -> Result:
    """Two cycles with few sweeps, in the periodic steady state."""
    return scenarios.load(name).with_({"campaign.cycles": 2, "campaign.velocity.pairs": 4}).run()


def power(result: Result) -> np.ndarray[Any, Any]:
    """Heat of all windings, each second (W)."""
    names = sorted({b.channel for b in result.truth if b.channel in ("coil.power", "second_coil.power")})
    each = [np.concatenate([b.values.ravel() for b in result.truth if b.channel == name]) for name in names]
    return np.asarray(np.sum(each, axis=0))


def weighing_current(result: Result) -> float:
    """|I| as the laboratory reads it (A)."""
    resistor = result.scenario.components()["resistor"].resistance
    blocks = result.readings.select("current_voltmeter", phase="weighing")
    return float(np.mean([abs(block.values.mean()) for block in blocks]) / resistor)


# --- the Tsinghua system: 400 T·m, 400 Ω, ±12.5 mA and 62.5 mW for 1 kg ----------------------------------------------


def test_current_and_heat_of_the_tsinghua_system() -> None:
    """12.26 mA and 60 mW for 1 kg with 400 T·m: the paper rounds Bl."""
    result = short("tsinghua_tmtp")
    assert weighing_current(result) == pytest.approx(12.5e-3, rel=0.025)
    assert power(result)[75:135].mean() == pytest.approx(62.5e-3, rel=0.05)
    assert result.mass.bl_Tm == pytest.approx(400.0, rel=1e-3)
    assert abs(result.relative_error) < 3 * result.mass.u_relative


# --- anti-series TMTP, the second proposal ---------------------------------------------------------------------------


def test_anti_series_has_twice_the_factor_for_the_same_copper() -> None:
    """Half the current through four times the resistance: the 5.5 mW of NIST-4 for 1 kg (sec. 3.1)."""
    tmtp, anti = (short(f"nist4_{scheme}") for scheme in ("tmtp", "anti_series"))
    assert anti.mass.bl_Tm == pytest.approx(2 * tmtp.mass.bl_Tm, rel=1e-3)
    assert weighing_current(anti) == pytest.approx(0.5 * weighing_current(tmtp), rel=1e-3)
    assert power(anti)[75:135].mean() == pytest.approx(5.5e-3, rel=0.01)
    assert abs(anti.relative_error) < 3 * anti.mass.u_relative


def test_anti_series_keeps_the_heat_constant() -> None:
    """The same current flows in both phases: the magnet's temperature is that of both."""
    tmtp, anti = (short(f"nist4_{scheme}") for scheme in ("tmtp", "anti_series"))
    heat = power(anti)
    assert heat[3700:7100].mean() == pytest.approx(heat[75:135].mean(), rel=2e-3)
    assert tmtp.thermal is not None and anti.thermal is not None
    assert abs(anti.thermal.delta_t_m_K) < 1e-2 * abs(tmtp.thermal.delta_t_m_K)


# --- the small magnet, sec. 4 ----------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def small_magnet(scheme: str) -> Measured:
    """Two periods after one to settle, with copper that does not change."""
    keys: dict[str, Any] = {"campaign.settling": 1, "campaign.cycles": 2}
    keys |= {f"balance.{coil}.resistance_temperature_coefficient": 0.0 for coil in ("coil", "second_coil")}
    result = scenarios.load(f"small_magnet_{scheme}").with_(keys).run()
    assert isinstance(result, Measured)
    return result


@pytest.mark.parametrize("scheme", ["omtp", "power_regulated"])
def test_a_coil_of_the_small_magnet_has_0_704_watts(scheme: str) -> None:
    """±80 mA in 110 Ω."""
    assert small_magnet(scheme).findings["power_W"].value == pytest.approx(0.704, rel=1e-3)


def test_runs_b_and_c_of_the_small_magnet() -> None:
    """OMTP swings by tenths of a kelvin; regulated, by less than the 1 mK that the thermometer sees."""
    omtp, regulated = (small_magnet(scheme).findings for scheme in ("omtp", "power_regulated"))
    assert 0.1 < omtp["delta_t_f_K"].value < 1.59  # less than run (a)
    assert regulated["delta_t_f_K"].value < 1e-3
    for found in (omtp, regulated):  # the heat repeats in weighing and velocity blocks
        assert abs(found["delta_t_m_K"].value) < 1e-3
