"""Seifert2014: the reluctance force of NIST-4's coil, from the inductance that its dimensions give."""

from __future__ import annotations

import pytest

import scenarios
from components.yoke import Yoke
from tests.published.values import published


def test_the_shift_that_makes_1e_8() -> None:
    """9.8 µm by finite elements of the inferred dimensions, at the printed current."""
    certain = {"balance.coil.uncertainties": None, "campaign.frequencies": [0.05, 0.1, 0.2, 0.5, 1.0, 2.0]}
    result = scenarios.load("nist4_inductance").with_(certain).run()
    published()["seifert2014.reluctance_shift"].check(result.findings["shift_m"].value)


def test_the_skin_depth() -> None:
    """The yoke's time constant was taken from it."""
    yoke = scenarios.load("nist4_inductance").scenario.components()["yoke"]
    assert isinstance(yoke, Yoke)
    assert yoke.skin_depth(1.0, 68e-3) == pytest.approx(published()["seifert2014.skin_depth_1Hz"].value, rel=0.01)
    assert yoke.skin_depth(0.1, 68e-3) == pytest.approx(yoke.skin_depth(1.0, 68e-3) * 10**0.5)
