"""Every scheme on every shipped balance reports the same keys, as those who compare schemes read them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

import scenarios
from scenarios.run.measured import reports_mass
from scenarios.schema.library import shipped


def keys(tree: Any) -> Any:
    return {key: keys(value) for key, value in tree.items()} if isinstance(tree, dict) else None


def shortest(name: str, *, ideal: bool = False) -> dict[str, Any]:
    """The summary of a run of as few cycles as the scheme allows, from ambient."""
    experiment = scenarios.load(name)
    cycles = 2 * getattr(experiment.scenario.campaign, "exchange_every", 1)
    experiment = experiment.ideal() if ideal else experiment
    found: dict[str, Any] = experiment.with_({"campaign.cycles": cycles, "thermal.start": "ambient"}).run().summary()
    return found


@lru_cache(maxsize=2)
def expected(*, ideal: bool) -> dict[str, Any]:
    found: dict[str, Any] = keys(shortest("kbmini_tmtp", ideal=ideal))
    return found


MASSES = [name for name in shipped() if reports_mass(scenarios.load(name).scenario)]


def test_all_schemes_are_there() -> None:
    assert {scenarios.load(name).scenario.campaign_type for name in MASSES} >= {
        "tmtp",
        "omtp",
        "anti_series",
        "power_regulated",
    }


@pytest.mark.parametrize("name", MASSES)
def test_the_keys_are_those_of_tmtp(name: str) -> None:
    """And a shipped campaign's velocity and reading_step suit each other."""
    found = shortest(name)
    assert keys(found) == expected(ideal=False)
    assert not [note for note in found["notes"] if "half-waves" in note]


@pytest.mark.parametrize("name", ["kbmini_omtp", "kbmini_power_regulated", "kbmini_anti_series", "kbmini_oscillating"])
def test_without_any_effect_too(name: str) -> None:
    assert keys(shortest(name, ideal=True)) == expected(ideal=True)
