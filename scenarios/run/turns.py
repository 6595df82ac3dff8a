"""What a series of masses is to find, of the simulation: all that goes with I² and is not corrected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scenarios.reduction.mass_series import MassSeriesReduction, line_through
from scenarios.run.epsilon import Windows, epsilon, series
from scenarios.schema import Scenario
from twin.component import Component
from twin.recorder import Blocks

NEUTRAL: Mapping[str, tuple[str, str]] = {
    "temperature": ("magnet", "temperature_coefficient"),
    "coil_expansion": ("coil", "expansion"),
    "reluctance": ("coil", "inductance_curvature"),
}
"""What a correction leaves nothing of: the part, and its parameter that is 0 then."""


def true_slopes(
    scenario: Scenario, parts: Mapping[str, Component], found: Mapping[str, Any], truth: Blocks
) -> dict[str, float]:
    """β with what else goes with I², and the bias that follows, from ε of each turn as the reduction makes a line.

    Parameters
    ----------
    parts : as they truly are.
    found : by the reduction: whose weights the line has.
    truth : what was recorded of it.
    """
    settings = scenario.sections.get("reduction")
    campaign: Any = scenario.campaign
    if not isinstance(settings, MassSeriesReduction) or not len(truth):
        return {}
    known, left = np.array(found["known_masses_kg"]), _uncorrected(parts, settings)
    times, bl = series(truth, "coil.bl")
    turns, errors, bls = len(known), [], []
    apart = zip(
        *(np.split(each, turns) for each in (campaign.weighing_windows(), campaign.mass_on())),
        np.split(campaign.velocity_windows(), turns),
        strict=True,
    )
    for mass, (weighing, on, velocity) in zip(known.tolist(), apart, strict=True):
        bls.append(float(np.interp(weighing.mean(axis=1), times, bl).mean()))
        windows = Windows(weighing, on, campaign.cycles, velocity)
        errors.append(epsilon(scenario, left, truth, windows, mass, bls[-1]))
    squared = np.array(found["currents_A"]) ** 2
    u = np.array(found.get("u_differences_relative", np.zeros(turns)))
    beta = float(line_through(squared, u, settings.through_origin)[0] @ errors)
    largest = int(np.argmax(known))
    bias = -beta * float(squared[largest])
    return {"beta_per_A2": beta, "bias_relative": bias, "slope_per_kg2": bias / float(known[largest]) ** 2}


def _uncorrected(parts: Mapping[str, Component], settings: MassSeriesReduction) -> dict[str, Component]:
    """The parts without what is corrected."""
    left = dict(parts)
    for correction, (name, parameter) in NEUTRAL.items():
        if getattr(settings.corrections, correction) and name in left:
            left[name] = left[name].model_copy(update={parameter: 0.0})
    return left
