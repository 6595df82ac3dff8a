"""The tables of a report: rows of text, ready to be set."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from scenarios.reduction import ReductionSettings
from scenarios.report.numbers import ROUNDING, grouped, plain, plus_minus, readable, significant
from scenarios.run.notebook import duration, with_prefix
from scenarios.run.reopen import Origin
from scenarios.run.result import Result

GRAM, MICROGRAMS = 1e3, 1e9  # in a kilogram


class Row(NamedTuple):
    """A line of two columns: what it is, and what it is equal to."""

    name: str
    value: str


class Verdict(NamedTuple):
    """Whether the result agrees with the truth."""

    agrees: bool
    text: str


def ppm(relative: float) -> str:
    """A relative deviation in ppm."""
    return f"{significant(relative * 1e6)} ppm"


def micrograms(kilograms: float) -> str:
    """A mass, of whatever size, in µg."""
    return f"{significant(kilograms * MICROGRAMS)} µg"


# --- summary ---------------------------------------------------------------------------------------------------------


def headline(result: Result) -> str:
    """The mass with its standard uncertainty."""
    return plus_minus(result.mass.mass_kg, result.mass.u_mass_kg, "kg")


def verdict(result: Result) -> Verdict | None:
    """How far the mass found lies from the true one, in units of its uncertainty; None if that cannot be told."""
    u, k = result.mass.u_mass_kg, result.mass.budget.coverage_factor
    if not len(result.truth) or not (math.isfinite(u) and u > 0.0):
        return None
    z = abs(result.mass.mass_kg - result.true.mass_kg) / u
    limit = f"k = {k:.3g}"
    if z <= k:
        return Verdict(True, f"agrees with the true mass within its expanded uncertainty: |z| = {z:.2f} ≤ {limit}")
    return Verdict(False, f"does not agree with the true mass: |z| = {z:.2f} > {limit}")


def summary(result: Result, origin: Origin) -> list[Row]:
    """The result in a few lines."""
    m = result.mass
    rows = [Row("Mass m ± u(m), k = 1", headline(result))]
    if m.budget.coverage_factor != 1.0:
        expanded = plus_minus(m.mass_kg, m.expanded_u_kg, "kg")
        rows.append(Row(f"Mass m ± U(m), k = {m.budget.coverage_factor:.3g}{_level(result)}", expanded))
    rows += [
        Row("Combined standard uncertainty", f"{ppm(m.u_relative)} = {with_prefix(m.u_mass_kg * GRAM, 'g')}"),
        Row("– its Type A part", f"{ppm(m.u_type_a)} = {micrograms(m.u_type_a * abs(m.mass_kg))}"),
        Row("– its Type B part", f"{ppm(m.u_type_b)} = {micrograms(m.u_type_b * abs(m.mass_kg))}"),
        Row("Effective degrees of freedom", _dof(m.budget.dof)),
    ]
    if len(result.truth):
        error = m.mass_kg - result.true.mass_kg
        rows += [
            Row("True mass, as simulated", f"{grouped(plain(result.true.mass_kg, 12))} kg"),
            Row("Deviation from the true mass", f"{ppm(result.relative_error)} = {micrograms(error)}"),
        ]
    rows.append(Row("Geometric factor Bl while weighing", plus_minus(m.bl_Tm, m.u_bl_Tm, "T·m")))
    if result.thermal is not None:
        rows += [
            Row("Magnet temperature, peak to peak (truth)", with_prefix(result.thermal.delta_t_f_K, "K")),
            Row("Thermal-magnetic bias, if uncorrected (truth)", ppm(result.thermal.epsilon)),
        ]
    if origin.settings:
        rows.append(Row("Reduced anew with", ", ".join(origin.settings)))
        if origin.mass_kg is not None:
            change = m.mass_kg - origin.mass_kg
            rows.append(
                Row("Change against the run's own result", f"{ppm(change / origin.mass_kg)} = {micrograms(change)}")
            )
    return rows


def _level(result: Result) -> str:
    confidence = result.mass.budget.confidence
    return "" if confidence is None else f" ({significant(100 * confidence)} %)"


def _dof(dof: float) -> str:
    if not math.isfinite(dof) or dof > 1e5:
        return "∞"
    return f"{dof:.3g}" if dof < 100.0 else grouped(f"{dof:.0f}")


# --- uncertainty -----------------------------------------------------------------------------------------------------


class BudgetRow(NamedTuple):
    """A line of the budget as text, in the order of the columns; `note` stands below the label."""

    label: str
    kind: str
    value: str
    u: str
    unit: str
    sensitivity: str
    ppm: str
    micrograms: str
    dof: str
    distribution: str
    note: str


def budget(result: Result) -> list[BudgetRow]:
    """The lines of the budget, largest contribution first."""
    mass = abs(result.mass.mass_kg)
    return [
        BudgetRow(
            line.label,
            line.kind,
            "" if line.value is None else grouped(plain(line.value)),
            significant(line.u),
            readable(line.unit) or "1",
            significant(line.sensitivity),
            significant(line.contribution * 1e6),
            significant(line.contribution * mass * MICROGRAMS),
            _dof(line.dof),
            line.distribution,
            line.note or "",
        )
        for line in sorted(result.mass.budget.lines, key=lambda line: -line.contribution)
    ]


def totals(result: Result) -> list[BudgetRow]:
    """Below the budget: Type A, Type B, both, and the expanded uncertainty."""
    lines, mass = result.mass.budget.lines, abs(result.mass.mass_kg)
    k = result.mass.budget.coverage_factor
    parts = {kind: math.hypot(*(line.contribution for line in lines if line.kind == kind)) for kind in "AB"}
    both = result.mass.budget.u_relative

    def row(name: str, size: float, dof: str = "", kind: str = "") -> BudgetRow:
        in_mass = significant(size * mass * MICROGRAMS)
        return BudgetRow(name, kind, "", "", "", "", significant(size * 1e6), in_mass, dof, "", "")

    return [
        row("Type A together", parts["A"], kind="A"),
        row("Type B together", parts["B"], kind="B"),
        row("Combined standard uncertainty", both, _dof(result.mass.budget.dof)),
        *([row(f"Expanded uncertainty, k = {k:.3g}{_level(result)}", k * both)] if k != 1.0 else []),
    ]


class CorrectionRow(NamedTuple):
    """A correction: what for, whether it is applied, and by how much it changes the mass."""

    name: str
    meaning: str
    applied: bool
    ppm: str
    micrograms: str


def corrections(result: Result) -> list[CorrectionRow]:
    """The corrections in the order of the settings, with the size of those that were applied."""
    settings, rows = result.scenario.section("reduction", ReductionSettings).corrections, []
    for name, field in type(settings).model_fields.items():
        size = result.mass.corrections.get(name)
        known = size is not None
        size = size if size is not None and abs(size) > ROUNDING else 0.0
        rows.append(
            CorrectionRow(
                name,
                field.description or "",
                bool(getattr(settings, name)),
                significant(size * 1e6) if known else "",
                significant(size * abs(result.mass.mass_kg) * MICROGRAMS) if known else "",
            )
        )
    return rows


# --- what was left out, and what was set -----------------------------------------------------------------------------


def excluded(result: Result) -> list[tuple[str, str, str]]:
    """Cycle, what of it, and why it was left out; counted from 1."""
    return [
        (str(item.cycle + 1), item.what + ("" if item.number is None else f" {item.number + 1}"), item.reason)
        for item in result.mass.excluded
    ]


def differences(origin: Origin) -> list[tuple[str, str, str, str]]:
    """Key, value of the parent, value here, and unit of what differs."""
    return [(item.key, _text(item.before), _text(item.after), readable(item.unit)) for item in origin.differences]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    text = grouped(plain(value, 12)) if isinstance(value, float) else str(value)
    return text if len(text) <= 120 else text[:117] + "…"


def run_facts(result: Result, origin: Origin) -> list[Row]:
    """What was run."""
    scenario = result.scenario
    rows = [
        Row("Scenario", scenario.name),
        Row("Description", scenario.description or "–"),
        Row("Balance", f"{scenario.balance.name} at scale {scenario.balance.scale:.6g}"),
        Row("Campaign", scenario.campaign_type),
        Row("Seed", str(scenario.seed)),
        Row("kibble-twin that ran it", origin.version),
        Row("Hash of the scenario (SHA-256)", origin.scenario_hash),
    ]
    if scenario.hash != origin.scenario_hash:
        why = "the reduction's settings differ" if origin.settings else "the file or the program has changed since"
        rows.append(Row("Hash as reduced here", f"{scenario.hash} ({why})"))
    rows += [
        Row("Virtual time", duration(result.virtual_s)),
        Row("Wall time", duration(result.wall_s) if result.wall_s else "not known"),
        Row("Readings", grouped(str(result.readings.samples))),
    ]
    if result.events:
        rows.append(Row("Events of the clock", grouped(str(result.events))))
    if result.steps_total:
        resumed = f", {result.steps_resumed} of them before an interruption" if result.steps_resumed else ""
        rows.append(Row("Steps", f"{result.steps_total}{resumed}"))
    return rows
