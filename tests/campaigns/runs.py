"""Campaigns cut short where the physics allows, and one effect at a time."""

from __future__ import annotations

from typing import Any

import scenarios
from scenarios.run.experiment import Experiment
from scenarios.run.result import Result

G = 9.80665
HALF_CURRENT = {"kbmini_tmtp": 0.5 * G / 1400.0, "tsinghua_tmtp": 0.5 * G / 400.0, "nist4_tmtp": 0.5 * G / 695.9}
"""|I| at 1 kg (A)."""

LUMPED: dict[str, Any] = {
    "geometry": None,
    "capacities": {
        "coil": 1875.0,
        "inner yoke": 64260.0,
        **{f"magnet {i}": 11260.0 for i in (1, 2, 3)},
        "caps": 186900.0,
        "outer yoke": 95310.0,
    },
    "links": [
        {"between": list(ends), "conductance": conductance}
        for ends, conductance in {
            ("coil", "inner yoke"): 0.1945,
            ("coil", "outer yoke"): 0.2148,
            ("inner yoke", "outer yoke"): 0.1372,
            ("inner yoke", "magnet 1"): 179.7,
            ("magnet 1", "magnet 2"): 150.3,
            ("magnet 2", "magnet 3"): 150.3,
            ("magnet 3", "caps"): 161.5,
            ("caps", "outer yoke"): 71.22,
        }.items()
    ],
    "film_areas": {"caps": 0.927, "outer yoke": 0.468},
    "magnet": ["magnet 1", "magnet 2", "magnet 3"],
}
"""NIST-4's heat as a chain of seven nodes, inferred from Liu2025 and Seifert2014 with a copper fill of 0.90."""

SHORT: dict[str, dict[str, Any]] = {
    "kbmini_tmtp": {"campaign.velocity.cycles": 60, "campaign.weighing.reading_step": 1.0},
    "tsinghua_tmtp": {"campaign.velocity.pairs": 4},
    "nist4_tmtp": {"campaign.velocity.pairs": 4},
    "nist4_tmtp_ramped": {"campaign.velocity.pairs": 4},
}
"""Two cycles with short velocity phases, from ambient: nothing thermal is right, all else is."""


def short(name: str, **overrides: Any) -> Experiment:
    """A shortened campaign; keywords are paths with double underscores for dots."""
    paths = {key.replace("__", "."): value for key, value in overrides.items()}
    return scenarios.load(name).with_({"campaign.cycles": 2, "thermal.start": "ambient", **SHORT[name], **paths})


def alone(name: str, effects: dict[str, Any], corrections: dict[str, bool] | None = None, **more: Any) -> Result:
    """A short run with these parameters of the balance and no other effect."""
    paths: dict[str, Any] = {f"balance.{key}": value for key, value in effects.items()}
    paths |= {f"reduction.corrections.{key}": value for key, value in (corrections or {}).items()}
    paths |= {key.replace("__", "."): value for key, value in more.items()}
    return short(name).ideal().with_(paths).run()


def two_windings(name: str, **overrides: Any) -> Experiment:
    """Four periods with few sweeps from ambient; keywords are paths with double underscores for dots."""
    paths: dict[str, Any] = {"campaign.cycles": 4, "campaign.velocity.pairs": 3, "campaign.hold": 130.0}
    paths |= {"campaign.ramp": 40.0, "thermal.start": "ambient"}
    return scenarios.load(name).with_(paths | {key.replace("__", "."): value for key, value in overrides.items()})
