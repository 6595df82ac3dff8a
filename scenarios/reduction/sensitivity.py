"""What each certificate and each correction does to the mass: the Type B lines of the budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.certificates import Certificates
from scenarios.reduction.corrections import NEUTRAL, UNCORRECTED, applied, believed, off, shifted, together, without
from scenarios.reduction.force import Outcome, evaluate
from scenarios.reduction.gum import Input
from scenarios.reduction.quantities import QUANTITIES
from scenarios.reduction.readout import Readout
from scenarios.reduction.settings import Corrections

Array = NDArray[np.float64]
Cases = dict[str | tuple[str, str], SimpleNamespace]
Changes = dict[str | tuple[str, str], float]
AT_ONCE = 200_000  # elements of arrays with all cases, weighings and velocity groups

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
    known, variance = _known(run, certificates, on, outcome.mean)
    uncorrected, changes = _switched(run, certificates, on, outcome.mean)
    lines = [*known, *uncorrected]
    idle = tuple(line.label for line in lines if line.sensitivity * line.u == 0)
    return TypeB(tuple(line for line in lines if line.sensitivity * line.u != 0), idle, variance, changes)


def _known(run: Readout, certificates: Certificates, on: Corrections, mass: float) -> tuple[list[Input], float]:
    """Lines of what is stated with an uncertainty, and what they do to Bl (relative, squared and summed)."""
    values, estimates = applied(certificates, on), certificates.estimates()
    estimates = {name: e for name, e in estimates.items() if e.u > 0 and not _neutral_in(name, on)}
    even = [name for name in EVEN if name in estimates]
    pairs = [pair for pair in PRODUCTS if set(pair) <= set(estimates)]
    cases: Cases = {name: shifted(values, **{name: e.u}) for name, e in estimates.items()}
    cases |= {(name, "back"): shifted(values, **{name: -estimates[name].u}) for name in even}
    cases |= {pair: shifted(values, **{name: estimates[name].u for name in pair}) for pair in pairs}
    by, bl_by = _changes(run, values, cases)
    lines = []
    for name, e in estimates.items():
        change = 0.5 * (by[name] - by[name, "back"]) if name in even else by[name]
        label, unit = QUANTITIES[name].label, QUANTITIES[name].unit
        lines.append(Input(label, "B", e.value, unit, e.u, change / e.u, e.dof, e.distribution))
    for name in even:  # a normal x does m + ½ f'' x²: the mean of this is ½ f'' u², and its spread f'' u²/√2
        size = math.sqrt(0.75) * abs(by[name] + by[name, "back"])
        lines.append(_second_order(f"{QUANTITIES[name].label}, squared", size, mass, "square"))
    for one, two in pairs:
        label = f"{QUANTITIES[one].label} × {QUANTITIES[two].label.split(': ')[1]}"
        lines.append(_second_order(label, abs(by[one, two] - by[one] - by[two]), mass, "product"))
    return lines, sum(bl_by[name] ** 2 for name in estimates)


def _second_order(label: str, size: float, mass: float, distribution: str) -> Input:
    """A line of second order (kg); 0 if it may be the rounding of masses."""
    size = size if size > 1e-13 * abs(mass) else 0.0
    return Input(label, "B", None, "kg", size, 1.0, math.inf, distribution, "second order, GUM 5.1.2")


def _switched(
    run: Readout, certificates: Certificates, on: Corrections, mass: float
) -> tuple[list[Input], dict[str, float]]:
    """Lines of effects that are known and not corrected, and the size of each correction."""
    uncertain = {name: e for name, e in certificates.estimates().items() if e.u > 0}
    values = applied(certificates, on)
    toggled = {name: _toggled(certificates, on, values, name) for name in NEUTRAL}
    cases: Cases = {name: case for name, case in toggled.items() if case != values or not getattr(on, name)}
    doubts = {name: [one for one in NEUTRAL[name] if one in uncertain] for name in off(on)}
    for name, doubtful in doubts.items():
        cases |= {(name, one): shifted(cases[name], **{one: uncertain[one].u}) for one in doubtful}
    by = dict.fromkeys(NEUTRAL, 0.0) | _changes(run, values, cases)[0]
    changes = {name: mass / (mass + by[name]) - 1 if getattr(on, name) else by[name] / mass for name in NEUTRAL}
    note = "a known effect, not corrected: its size, GUM F.2.4.5"
    lines = []
    for name, doubtful in doubts.items():
        size = math.hypot(by[name], *(by[name, one] - by[name] for one in doubtful))
        lines.append(Input(UNCORRECTED[name], "B", None, "kg", size, 1.0, math.inf, "none", note))
    return lines, changes


def _changes(run: Readout, values: SimpleNamespace, cases: Cases) -> tuple[Changes, Changes]:
    """What other values do to the mean mass (kg) and, relative, to the mean Bl."""
    few, by, bl_by = max(1, AT_ONCE // run.mixing.size), Changes(), Changes()
    for first in range(0, len(cases), few):
        some = list(cases)[first : first + few]
        outcome = evaluate(run, together([values, *(cases[name] for name in some)]))
        mass, bl = np.empty((2, len(some) + 1))
        mass[:], bl[:] = outcome.mass.mean(axis=-1), mean_bl(run, outcome)
        by |= dict(zip(some, (mass[1:] - mass[0]).tolist(), strict=True))
        bl_by |= dict(zip(some, (bl[1:] / bl[0] - 1.0).tolist(), strict=True))
    return by, bl_by


def mean_bl(run: Readout, outcome: Outcome) -> Any:
    """Mean over the cycles of Bl at their weighings, of winding 1 (T·m)."""
    return (run.by_cycle(outcome.bl / run.windings.factor) / np.bincount(run.of_cycle)).mean(axis=-1)


def _neutral_in(name: str, on: Corrections) -> str | None:
    """The correction that is off and for which this certificate has its neutral value."""
    for correction in off(on):
        if name in NEUTRAL[correction] or (correction == "voltmeter_calibration" and name.startswith("reference_")):
            return correction
    return None


def _toggled(certificates: Certificates, on: Corrections, values: SimpleNamespace, name: str) -> SimpleNamespace:
    """The values with one correction the other way."""
    if getattr(on, name):
        return without(values, name)
    return without(believed(certificates), *(other for other in off(on) if other != name))
