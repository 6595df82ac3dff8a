"""Li2026: what is stated of KBmini's motion, of its uncertainty, and of known masses, as campaigns have it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.run.measured import Measured
from scenarios.run.result import Result
from tests.published.values import published
from twin.times import NS

Array = np.ndarray[Any, Any]
WINDOW = 0.3
"""In the middle of each half cycle (s)."""


# --- the hinge is driven, sec. 3.2 -----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def oscillating() -> Result:
    """An hour of the shipped campaign."""
    return scenarios.load("kbmini_oscillating").with_({"campaign.cycles": 1}).run()


def test_an_hour_of_the_driven_hinge_is_within_the_goal() -> None:
    result = oscillating()
    published()["li2026.u_1kg"].check(result.mass.u_relative)
    published()["li2026.bl"].check(result.mass.bl_Tm)
    assert abs(result.relative_error) < 3 * result.mass.u_relative


def test_the_velocity_of_the_driven_hinge_as_the_interferometer_reads_it() -> None:
    """0.3 mm/s, 0.004 mm/s standard deviation in windows of 0.3 s."""
    (edges,) = oscillating().readings.select("interferometer", phase="velocity", cycle=0)
    speed = np.abs(np.diff(edges.values, axis=1)) / (edges.schedule.step / NS)
    assert edges.schedule.step * speed.shape[1] == WINDOW * NS
    assert round(float(speed.mean()) * 1e3, 1) == 0.3
    assert round(float(speed.std()) * 1e3, 3) <= 0.004


# --- the velocity phase alone ----------------------------------------------------------------------------------------


def moving(shape: dict[str, Any]) -> tuple[Measured, Array]:
    """Moving mode, and the coil's velocity in all readings at 1 Hz (m/s), a cycle a row."""
    keys = {"campaign.frequencies": [1.0, 2.0], "campaign.shape": shape}  # two tell what the resonance adds
    result = scenarios.load("moving_mode").with_(keys).run()
    assert isinstance(result, Measured)
    (edges,) = result.readings.select("interferometer", phase="velocity", cycle=0)
    speed = np.diff(edges.values.ravel()) / (edges.schedule.step / NS)
    a_cycle = round(NS / edges.schedule.step)
    return result, speed[: len(speed) // a_cycle * a_cycle].reshape(-1, a_cycle)


def sigma(velocity: Array) -> float:
    """Of the speed in the windows, in the mean of the cycles, over its mean."""
    mean = velocity.mean(axis=0)
    count = len(mean)
    wave = np.fft.rfft(mean)[1]
    top = -np.angle(wave) / (2 * np.pi) * count  # where the fundamental is largest
    inside = round(WINDOW * count)
    at = np.round(top + np.arange(inside) - 0.5 * (inside - 1)).astype(int)
    speed = np.concatenate([mean[at % count], -mean[(at + count // 2) % count]])
    return float(speed.std() / speed.mean())


def test_moving_mode_by_a_sine_and_by_harmonics() -> None:
    """0.04 mm/s of 0.3 mm/s for a sine; a tenth of it for 1, 3, 5, 7, 9 Hz, more than 60 % of the cycle flat."""
    (plain, sine), (flat, square) = moving({"kind": "sine"}), moving({"kind": "multi_harmonic"})
    assert round(sigma(sine) * 0.3, 2) == 0.04
    published()["li2026.velocity_std_improvement"].check(sigma(sine) / sigma(square))
    mean = np.abs(square.mean(axis=0))
    published()["li2026.velocity_flat_fraction"].check(float(np.mean(np.abs(mean / np.median(mean) - 1) < 0.05)))
    for result in (plain, flat):
        found = result.findings["bl_Tm"]
        published()["li2026.bl"].check(found.value)
        assert abs(found.value - result.true["bl_Tm"]) < 3 * found.u


# --- known masses of 1 kg, 700 g and 500 g ---------------------------------------------------------------------------

SHORT = {
    "campaign.cycles": 2,
    "campaign.velocity.reading_step": 0.1,
    "campaign.weighing.reading_step": 1.0,
}


def series(**more: Any) -> Measured:
    keys = {key.replace("__", "."): value for key, value in more.items()}
    result = scenarios.load("kbmini_mass_series").ideal().with_({**SHORT, **keys}).run()
    assert isinstance(result, Measured)
    return result


def test_the_quadratic_current_effect_is_of_the_order_of_1e_9() -> None:
    """Li2021, 2βI³/(2I) ≈ 1e-9 at 1 kg, which weighing several masses tells; currents of 3.5 mA (Li2026, sec. 3.1)."""
    found = series(balance__coil__quadratic_current_coefficient=-8e-5).findings
    published()["li2026.weighing_current"].check(float(np.asarray(found["currents_A"].value)[0]))
    assert 0.5e-9 < abs(float(found["bias_relative"].value)) < 2e-9


def test_the_bias_by_heat_is_a_straight_line_through_the_origin_in_the_mass_squared() -> None:
    """The magnet of NdFeB, −1e-3 /K, warmed by 30 mW of 1 kg: recovered from the differences of known masses."""
    warm = {"balance__magnet__temperature_coefficient": -1e-3, "reduction__corrections__temperature": False}
    found = series(**warm, campaign__settling=12).findings
    masses, differences = (np.asarray(found[key].value) for key in ("known_masses_kg", "differences_relative"))
    slope = differences @ masses**2 / (masses**2 @ masses**2)
    assert abs(slope) > 1e-8
    assert differences == pytest.approx(slope * masses**2, abs=0.01 * abs(slope))
    assert float(found["slope_per_kg2"].value) == pytest.approx(slope, rel=0.01)
