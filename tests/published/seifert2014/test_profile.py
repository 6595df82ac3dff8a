"""Seifert2014: the field profile of NIST-4's magnet, by a gradiometer and by a guided Hall probe."""

from __future__ import annotations

import numpy as np
import pytest

import scenarios
from components.magnet import Magnet
from tests.published.values import published


def test_a_walk_of_the_hall_probe_looks_like_a_slope() -> None:
    """0.24 mm over 8 cm: 7.6 µT/mm at 0.55 T and 217 mm; the 7 that are printed are of 2.3 mT/mm."""
    walk = {"balance.guide.walk_x": 0.24e-3 / 80e-3, "reduction.centring": False}
    result = scenarios.load("nist4_hall_probe").ideal().with_(walk).run()
    apparent = result.findings["slope_T_per_m"].value - result.true["slope_T_per_m"]
    published()["seifert2014.hall_walk"].check(-apparent)


def test_a_millimetre_across() -> None:
    result = scenarios.load("nist4_hall_probe").run()
    published()["seifert2014.hall_radial"].check(-result.findings["radial_slope_T_per_m"].value)


@pytest.mark.parametrize("name", ["nist4_gradiometer", "nist4_hall_probe"])
def test_the_deviation_grows_off_the_plane(name: str) -> None:
    """Tenfold 22 mm above; within what either can tell."""
    found = scenarios.load(name).run().findings
    if name == "nist4_gradiometer":
        assert found["deviation_growth"].value == pytest.approx(
            published()["seifert2014.deviation_growth"].value, rel=0.1
        )
        return
    b, u = np.asarray(found["deviations"].value), np.asarray(found["deviations"].u)
    assert abs(b[1] - published()["seifert2014.deviation_growth"].value * b[0]) < 3 * np.hypot(u[1], 10 * u[0])


def test_uniform_range_after_shimming() -> None:
    """5 cm of |ΔB/B| < 1e-4: the profile of balances/nist4 was set on it; the gradiometer finds it again."""
    shimmed = scenarios.load("nist4_tmtp").scenario.components()["magnet"]
    assert isinstance(shimmed, Magnet)
    result = scenarios.load("nist4_gradiometer").with_({"balance.magnet.profile": shimmed.profile}).run()
    found = result.findings["uniform_range_m"]
    assert abs(found.value - published()["seifert2014.uniform_range"].value) < 4 * found.u
    assert abs(result.findings["slope_T_per_m"].value) < published()["seifert2014.shimmed_slope"].value * 1.2


def test_common_mode_noise_drops() -> None:
    """By what the former was assumed to give way; without it, to the noise of the meter."""
    found = scenarios.load("nist4_gradiometer").run().findings["common_mode_rejection"]
    assert found.value == pytest.approx(published()["seifert2014.common_mode"].value, rel=0.15)
