"""Mechanical effects in a whole campaign, each alone and not corrected: the mass is wrong by what the formula says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import constants

import scenarios
from scenarios.reduction.weighing import compare
from tests.campaigns.runs import G, alone

KBMINI = "kbmini_tmtp"
FLAT = {"magnet.profile": []}
"""Bl is the same everywhere: what is left is what the effect does to the force."""


def error(effects: dict[str, Any], off: tuple[str, ...] = (), **wiring: str) -> float:
    """Relative error of the mass with these corrections off; keywords wire ports, double underscores for dots."""
    wires = {target.replace("__", "."): source for target, source in wiring.items()}
    result = alone(KBMINI, {**effects, "wiring": wires}, dict.fromkeys(off, False))
    return result.relative_error


# --- what lies on the pan --------------------------------------------------------------------------------------------


def test_a_magnetised_mass_in_the_stray_field() -> None:
    """ε = −V (χ B B'/µ0 + M B')/(m g); what the tare feels is there with the mass on and off."""
    volume, field, gradient = 1.0 / 8000.0, 1e-3, 2e-2
    effects = {
        "magnet.stray_field": field,
        "magnet.stray_gradient": gradient,
        "test_mass.susceptibility": 4e-3,
        "test_mass.magnetisation": 2.0,
        "test_mass.tare_magnetisation": 20.0,
    }
    lift = volume * (4e-3 * field * gradient / constants.mu_0 + 2.0 * gradient)
    wiring = {"test_mass__stray_field": "magnet.stray_field", "test_mass__stray_gradient": "magnet.stray_gradient"}
    assert error(effects, ("magnetic_force",), **wiring) == pytest.approx(-lift / G, rel=1e-2)


# --- the hinge -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compliance", [1e-7, -1e-7])
def test_a_stiff_hinge_that_gives_under_the_load(compliance: float) -> None:
    """ε = stiffness · compliance: the coil also has to hold what the hinge pulls back by."""
    effects = {**FLAT, "flexure.stiffness": 30.0, "flexure.compliance": compliance}
    assert error(effects, ("stiffness",)) == pytest.approx(30.0 * compliance, rel=1e-2)


def test_stiffness_alone_is_the_same_with_the_mass_on_and_off() -> None:
    effects = {**FLAT, "flexure.stiffness": 30.0, "flexure.rest_position": 1e-3}
    assert abs(error(effects, ("stiffness",))) < 1e-12


@pytest.mark.parametrize("tau", [100.0, 600.0])
def test_the_after_effect_decays_through_the_weighings(tau: float) -> None:
    """The hinge rested 10 mm below: S δ 10 mm e^{−t/τ}, averaged over the windows and freed of a linear drift.

    Beside it the motion of less than 0.1 mm in the velocity phases does not count.
    """
    effects = {
        **FLAT,
        "after_effect": {
            "defect": 1e-3,
            "stiffness": 100.0,
            "time_constants": [tau],
            "weights": [1.0],
            "rest": -1e-2,
        },
    }
    wiring = {"after_effect__position": "flexure.position", "flexure__after_effect": "after_effect.force"}
    errors = []
    for cycle in range(2):
        begin, end = (cycle * (5 * 360.0 + 60.0) + 360.0 * np.arange(5) + edge for edge in (45.0, 340.0))
        mean = tau / 295.0 * (np.exp(-begin / tau) - np.exp(-end / tau))
        scheme = compare("polynomial", 0.5 * (begin + end), np.arange(5) % 2 == 0, 1)
        errors.append(scheme.weights @ (100.0 * 1e-3 * 1e-2 * mean) / G)
    assert abs(np.mean(errors)) > 1e-7
    assert error(effects, ("after_effect",), **wiring) == pytest.approx(np.mean(errors), rel=1e-2)
    assert abs(error(effects, **wiring)) < 1e-2 * abs(np.mean(errors))


@pytest.mark.parametrize(("name", "skip"), [("nist4_tmtp", 0), ("nist4_tmtp", 6), ("tsinghua_tmtp", 0)])
def test_the_after_effect_of_the_sweeps_is_known(name: str, skip: int) -> None:
    """Of what the relaxation of the balance's own hinge does to the mass, the correction leaves less than 1 %.

    Sweeps that do not count have moved the coil all the same.
    """
    part = scenarios.load(name).scenario.components()["after_effect"]
    own = {key: getattr(part, key) for key in ("defect", "stiffness", "time_constants", "weights")}
    wiring = {"after_effect.position": "flexure.position", "flexure.after_effect": "after_effect.force"}
    effects = {**FLAT, "after_effect": own, "wiring": wiring}
    uncorrected = alone(name, effects, {"after_effect": False}, reduction__skip_sweeps=skip).relative_error
    assert abs(uncorrected) > 5e-10
    corrected = alone(name, effects, reduction__skip_sweeps=skip).relative_error
    assert abs(corrected) < 1e-2 * abs(uncorrected)


# --- coil and magnet -------------------------------------------------------------------------------------------------


def test_a_support_that_gives_moves_the_magnet_under_the_coil() -> None:
    """z = C F in the magnet, so with a slope b of Bl ε = −b C (F_on + F_off): nothing for a tare of half the mass."""
    effects = {"support": {"compliance": 2e-7}, "magnet.profile": [0.5], "test_mass.tare_fraction": 0.4}
    wiring = {"support__force": "servo.force", "coil__magnet_displacement": "support.magnet_displacement"}
    bias = -0.5 * 2e-7 * (0.6 - 0.4) * G
    assert error(effects, ("support_compliance",), **wiring) == pytest.approx(bias, rel=1e-2)
    half = {**effects, "test_mass.tare_fraction": 0.5}
    assert abs(error(half, ("support_compliance",), **wiring)) < 1e-2 * abs(bias)


def test_a_support_that_gives_leaves_a_reluctance_force() -> None:
    """ε = k I Δz/(2 Bl) with Δz = z_on − z_off = C m g, as for a displacement of the coil."""
    k, compliance = 47900.0, 1e-7
    effects = {**FLAT, "support": {"compliance": compliance}, "coil.inductance_curvature": k}
    wiring = {"support__force": "servo.force", "coil__magnet_displacement": "support.magnet_displacement"}
    current = 0.5 * G / 1400.0
    bias = k * current * compliance * G / (2 * 1400.0)
    assert error(effects, ("support_compliance", "reluctance"), **wiring) == pytest.approx(bias, rel=1e-2)


@pytest.mark.parametrize(
    ("askew", "bias"),
    [
        ({"coil_tilt_x": 1e-3, "drift_x": 2e-3}, 1e-6),
        ({"coil_tilt_y": 1e-3, "drift_y": -2e-3}, -1e-6),
        ({"coil_offset_y": 1e-3, "roll_x": 2e-3}, 2e-6),
        ({"coil_offset_x": 1e-3, "roll_y": 2e-3}, -2e-6),
    ],
)
def test_what_an_askew_coil_adds_to_the_voltage(askew: dict[str, float], bias: float) -> None:
    """ε = ½ tilt · drift, and torque arm times roll."""
    wiring = {"alignment__position": "flexure.position", "coil__coupling": "alignment.coupling"}
    assert error({"alignment": askew}, ("alignment",), **wiring) == pytest.approx(bias, rel=1e-4)
