"""What each certificate and each correction does to the mass: the Type B lines of the budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace

import numpy as np

from scenarios.reduction.certificates import Certificates
from scenarios.reduction.corrections import NEUTRAL, UNCORRECTED, applied, believed, off, shifted, without
from scenarios.reduction.force import Outcome, evaluate
from scenarios.reduction.gum import Input
from scenarios.reduction.quantities import QUANTITIES
from scenarios.reduction.readout import Readout
from scenarios.reduction.settings import Corrections

# Certificates that act as products only: where both are near zero, the product of their uncertainties is what counts.
PRODUCTS = (
    ("coil_tilt_x", "drift_x"),
    ("coil_tilt_y", "drift_y"),
    ("coil_offset_y", "roll_x"),
    ("coil_offset_x", "roll_y"),
    ("verticality_x", "drift_x"),
    ("verticality_y", "drift_y"),
    ("abbe_offset_x", "roll_y"),
    ("abbe_offset_y", "roll_x"),
    ("stray_field", "stray_gradient"),
    ("susceptibility", "stray_gradient"),
    ("magnetisation", "stray_gradient"),
)


EVEN = ("verticality_x", "verticality_y")
"""Certificates on which the mass depends through a cosine too: what their spread alone does is a line of its own."""


Moved = Callable[..., Outcome]
"""The outcome with estimates moved, each given as its name and a step."""


@dataclass(frozen=True)
class TypeB:
    """Lines of the budget, what they do to Bl (relative, squared and summed), and the size of each correction.

    `idle` are the labels of what is stated with an uncertainty, or not corrected, and does nothing to this mass.
    """

    inputs: tuple[Input, ...]
    idle: tuple[str, ...]
    bl_variance: float
    changes: dict[str, float]


def type_b(run: Readout, certificates: Certificates, on: Corrections, outcome: Outcome) -> TypeB:
    """Differentiate the mean mass numerically, each estimate moved by its uncertainty.

    An effect that is known but not corrected enters with its size, and with the uncertainty of that size (GUM F.2.4.5).
    """
    values, mass = applied(certificates, on), outcome.mean
    estimates = {name: e for name, e in certificates.estimates().items() if e.u > 0}
    inputs, idle, variance = [], list[str](), 0.0

    @cache
    def moved(*steps: tuple[str, float]) -> Outcome:
        return evaluate(run, shifted(values, **dict(steps)))

    for name, estimate in estimates.items():
        if _neutral_in(name, on):
            continue
        up = moved((name, estimate.u))
        change, bl_change = up.mean - mass, mean_bl(run, up) / mean_bl(run, outcome) - 1
        if name in EVEN:
            change = 0.5 * (up.mean - moved((name, -estimate.u)).mean)
        variance += bl_change**2
        label, unit = QUANTITIES[name].label, QUANTITIES[name].unit
        if change == 0:
            idle.append(label)
        else:
            inputs.append(
                Input(
                    label,
                    "B",
                    estimate.value,
                    unit,
                    estimate.u,
                    change / estimate.u,
                    estimate.dof,
                    estimate.distribution,
                )
            )
    for name in EVEN:
        if name in estimates and not _neutral_in(name, on):
            size = _curved(moved, name, estimates[name].u, mass)
            label = f"{QUANTITIES[name].label}, squared"
            if size == 0:
                idle.append(label)
            else:
                inputs.append(Input(label, "B", None, "kg", size, 1.0, math.inf, "square", "second order, GUM 5.1.2"))
    for first, second in PRODUCTS:
        if first in estimates and second in estimates and not _neutral_in(first, on):
            size = _mixed(moved, (first, estimates[first].u), (second, estimates[second].u), mass)
            label = f"{QUANTITIES[first].label} × {QUANTITIES[second].label.split(': ')[1]}"
            if size == 0:
                idle.append(label)
            else:
                inputs.append(Input(label, "B", None, "kg", size, 1.0, math.inf, "product", "second order, GUM 5.1.2"))
    changes = {}
    for name in NEUTRAL:
        other = _toggled(run, certificates, on, values, name)
        if getattr(on, name):
            changes[name] = mass / evaluate(run, other).mean - 1
            continue
        corrected = evaluate(run, other).mean
        changes[name] = corrected / mass - 1
        size = math.hypot(corrected - mass, *_doubts(run, certificates, name, other, corrected))
        if size > 0:
            note = "a known effect, not corrected: its size, GUM F.2.4.5"
            inputs.append(Input(UNCORRECTED[name], "B", None, "kg", size, 1.0, math.inf, "none", note))
        else:
            idle.append(UNCORRECTED[name])
    return TypeB(tuple(inputs), tuple(idle), variance, changes)


def mean_bl(run: Readout, outcome: Outcome) -> float:
    """Mean over the cycles of Bl at their weighings, of winding 1 (T·m)."""
    return float((run.by_cycle(outcome.bl / run.windings.factor) / np.bincount(run.of_cycle)).mean())


def _neutral_in(name: str, on: Corrections) -> str | None:
    """The correction that is off and for which this certificate has its neutral value."""
    for correction in off(on):
        if name in NEUTRAL[correction] or (correction == "voltmeter_calibration" and name.startswith("reference_")):
            return correction
    return None


def _toggled(
    run: Readout, certificates: Certificates, on: Corrections, values: SimpleNamespace, name: str
) -> SimpleNamespace:
    """The values with one correction the other way."""
    if getattr(on, name):
        return without(values, name)
    return without(believed(certificates), *(other for other in off(on) if other != name))


def _doubts(
    run: Readout, certificates: Certificates, correction: str, corrected: SimpleNamespace, mass: float
) -> Iterator[float]:
    """What the uncertainties of an effect that is not corrected do to its size (kg)."""
    for name, estimate in certificates.estimates().items():
        if estimate.u > 0 and name in NEUTRAL[correction]:
            yield evaluate(run, shifted(corrected, **{name: estimate.u})).mean - mass


def _curved(moved: Moved, name: str, u: float, mass: float) -> float:
    """What f(x) = m + ½ f'' x² of a normal x does to the mass (kg): its mean ½ f'' u² and its spread f'' u²/√2."""
    up, down = (moved((name, step)).mean for step in (u, -u))
    size = math.sqrt(0.75) * abs(up + down - 2.0 * mass)
    return size if size > 1e-13 * abs(mass) else 0.0


def _mixed(moved: Moved, first: tuple[str, float], second: tuple[str, float], mass: float) -> float:
    """Second-order change of the mass by two estimates together (kg), GUM 5.1.2 note."""
    size = abs(moved(first, second).mean - moved(first).mean - moved(second).mean + mass)
    return size if size > 1e-13 * abs(mass) else 0.0
