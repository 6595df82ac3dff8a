"""Li2026, KBmini: current and power of the weighing phase at 1 kg."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

import scenarios
from scenarios.run.result import Result
from tests.published.values import published


@lru_cache(maxsize=1)
def run() -> Result:
    return scenarios.load("kbmini_tmtp").with_({"campaign.cycles": 1, "campaign.velocity.reading_step": 0.1}).run()


def current(state: str) -> float:
    """Mean current of the weighings with the mass on or off, as the laboratory reads it (A)."""
    blocks = [b for b in run().readings if b.has(phase="weighing", state=state) and b.channel == "current_voltmeter"]
    assert blocks
    return float(np.mean([block.values.mean() for block in blocks]) / 1e3)


def test_weighing_current() -> None:
    expected = published()["li2026.weighing_current"]
    expected.check(current("on"))
    expected.check(-current("off"))


def test_coil_power() -> None:
    """Of the weighing phase, reversals included."""
    power = np.concatenate([block.values.ravel() for block in run().truth if block.channel == "coil.power"])
    published()["li2026.coil_power"].check(float(power[:1800].mean()))
    assert np.all(power[1801:3600] == 0.0)  # no current in the velocity phase
