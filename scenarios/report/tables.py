"""The tables of a report: rows of text, ready to be set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from scenarios.reduction import ReductionSettings
from scenarios.reduction.gum import Budget, BudgetLine, combine
from scenarios.reduction.result import Excluded
from scenarios.report.numbers import (
    ROUNDING,
    Prefix,
    grouped,
    plain,
    plus_minus,
    prefixed,
    readable,
    relative_scale,
    significant,
)
from scenarios.run.notebook import duration, with_prefix
from scenarios.run.record import Record
from scenarios.run.reopen import Origin
from scenarios.run.result import Result

GRAM, MICROGRAMS = 1e3, 1e9  # in a kilogram
EQUAL = 1e-12  # relative; as near comes a run without noise and effects
AGREES = 2.0  # standard uncertainties within which a result agrees with the truth
SMALL = 0.01  # of the combined uncertainty; below, a line of the budget changes it by less than 5e-5 of itself
USUAL = 0.95  # level of the expanded uncertainty that is always told


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


class Coverage(NamedTuple):
    """A coverage factor, and how it is written with its level of confidence."""

    k: float
    text: str

    @classmethod
    def of(cls, found: Budget) -> Coverage:
        """That of a budget."""
        level = "" if found.confidence is None else f" ({plain(100 * found.confidence, 4)} %)"
        return cls(found.coverage_factor, f"k = {significant(found.coverage_factor)}{level}")


def coverage(result: Result) -> list[Coverage]:
    """The coverage factors of the expanded uncertainty: what the settings ask for, and that of 95 %."""
    mass, asked = result.mass, result.mass.budget
    found = [Coverage.of(asked)] if asked.coverage_factor != 1.0 else []
    if asked.confidence != USUAL and _uncertain(result):
        found.append(Coverage.of(combine(mass.inputs, mass.mass_kg, confidence=USUAL)))
    return found


def expanded(result: Result) -> list[str]:
    """The expanded uncertainties of the mass."""
    u = result.mass.u_mass_kg * GRAM
    return [f"{with_prefix(each.k * u, 'g')}, {each.text}" for each in coverage(result)]


def verdict(result: Result) -> Verdict | None:
    """Whether the mass agrees with the true one, within 2 u or what the settings ask for; None if that cannot be told.

    One run in three lies beyond 1 u, so that k = 1 is no limit for that.
    """
    u, k = result.mass.u_mass_kg, max(AGREES, result.mass.budget.coverage_factor)
    if not len(result.truth) or not math.isfinite(u):
        return None
    apart = abs(result.relative_error)
    if not _uncertain(result):
        text = f"the true mass to {significant(apart, 2)}, relative; the result has no uncertainty"
        return Verdict(True, f"equals {text}") if apart < EQUAL else Verdict(False, f"does not equal {text}")
    z = apart * abs(result.true.mass_kg) / u
    text = f"with the true mass within {k:.3g} u: |z| = |m − m_true|/u = {z:.2f}"
    return Verdict(True, f"agrees {text}") if z <= k else Verdict(False, f"does not agree {text}")


def _uncertain(result: Result) -> bool:
    """Whether the uncertainty is more than rounding."""
    return result.mass.u_relative > ROUNDING


def summary(result: Result, origin: Origin) -> list[Row]:
    """The result in a few lines."""
    m = result.mass
    rows = [
        Row("Mass m ± u(m), k = 1", headline(result)),
        *(Row(f"Mass m ± U(m), {x.text}", plus_minus(m.mass_kg, x.k * m.u_mass_kg, "kg")) for x in coverage(result)),
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
    if len(result.truth) and result.true.external_flux_epsilon:
        rows.append(Row("Bias by external flux (truth)", ppm(result.true.external_flux_epsilon)))
    if len(result.truth):
        rows.append(Row("(Bl)_v/(Bl)_w − 1, the bias with nothing corrected (truth)", ppm(result.true.epsilon)))
    if result.thermal is not None:
        rows += [
            Row("Magnet temperature, peak to peak (truth)", with_prefix(result.thermal.delta_t_f_K, "K")),
            Row("Thermal-magnetic bias α_m δT_m, if uncorrected (truth)", ppm(result.thermal.epsilon)),
        ]
    contacts = result.contacts
    if contacts["count"]:
        over = contacts["largest_overshoot"]
        above = "" if over is None else f", {100 * over:.3g} % above the load at its start"
        force = with_prefix(contacts["largest_force_N"], "N")
        rows.append(Row("Contacts of the coil with its stop", f"{contacts['count']}, at most {force}{above}"))
    if origin.settings:
        rows.append(Row("Reduced anew with", ", ".join(origin.settings)))
        if origin.mass_kg is not None:
            change = m.mass_kg - origin.mass_kg
            rows.append(
                Row("Change against the run's own result", f"{ppm(change / origin.mass_kg)} = {micrograms(change)}")
            )
    return rows


def _dof(dof: float) -> str:
    if not math.isfinite(dof) or dof > 1e5:
        return "∞"
    return f"{dof:.3g}" if dof < 100.0 else grouped(f"{dof:.0f}")


# --- uncertainty -----------------------------------------------------------------------------------------------------


class BudgetRow(NamedTuple):
    """A line of the budget as text; `note` stands below the label."""

    label: str
    kind: str
    value: str
    u: str
    unit: str
    sensitivity: str
    relative: str
    in_mass: str
    dof: str
    distribution: str
    note: str


class BudgetTable(NamedTuple):
    """The budget as text.

    Parameters
    ----------
    relative_unit, mass_unit : of the contributions.
    lines : largest contribution first.
    smaller : those that `totals` has in one line, since none of them matters.
    totals : the smaller ones together, Type A, Type B, both, and the expanded uncertainty.
    """

    relative_unit: str
    mass_unit: str
    lines: list[BudgetRow]
    smaller: list[BudgetRow]
    totals: list[BudgetRow]


def folded(lines: Sequence[BudgetLine], u_relative: float) -> tuple[list[BudgetLine], list[BudgetLine]]:
    """The lines of a budget, largest contribution first, and apart from them those that do not matter, if several."""
    ordered = sorted(lines, key=lambda line: -line.contribution)
    small = [line for line in ordered if line.contribution < SMALL * u_relative]
    return (ordered[: -len(small)], small) if len(small) > 1 else (ordered, [])


def together(lines: Iterable[BudgetLine]) -> float:
    """Relative standard uncertainty of the mass by some lines of its budget."""
    return math.hypot(*(line.contribution for line in lines))


def budget(result: Result) -> BudgetTable:
    """The uncertainty budget, in the units that suit the uncertainty."""
    found, mass = result.mass.budget, abs(result.mass.mass_kg)
    scale = relative_scale([found.u_relative])
    grams = prefixed("g", found.u_relative * mass * GRAM) if found.u_relative else Prefix(1e6, "µg")

    def contribution(size: float) -> tuple[str, str]:
        return significant(size * scale.factor), significant(size * mass * GRAM * grams.factor)

    def row(line: BudgetLine) -> BudgetRow:
        value = "" if line.value is None else grouped(plain(line.value))
        what = value, significant(line.u), readable(line.unit) or "1", significant(line.sensitivity)
        how = _dof(line.dof), line.distribution, line.note or ""
        return BudgetRow(line.label, line.kind, *what, *contribution(line.contribution), *how)

    def total(name: str, size: float, dof: str = "") -> BudgetRow:
        return BudgetRow(name, "", "", "", "", "", *contribution(size), dof, "", "")

    lines, smaller = folded(found.lines, found.u_relative)
    both = found.u_relative
    totals = [
        *([total(f"{len(smaller)} smaller ones together", together(smaller))] if smaller else []),
        *(total(f"Type {kind} together", together(x for x in found.lines if x.kind == kind)) for kind in "AB"),
        total("Combined standard uncertainty", both, _dof(found.dof)),
        *(total(f"Expanded uncertainty, {each.text}", each.k * both) for each in coverage(result)),
    ]
    return BudgetTable(scale.unit, grams.unit, [row(x) for x in lines], [row(x) for x in smaller], totals)


class CorrectionRow(NamedTuple):
    """A correction: what for, whether it is applied, and by how much it changes the mass."""

    name: str
    meaning: str
    applied: bool
    ppm: str
    micrograms: str


def corrections(result: Result) -> tuple[list[CorrectionRow], list[str]]:
    """The corrections in the order of the settings, with their sizes, and the names of those without effect here."""
    settings, rows, idle = result.scenario.section("reduction", ReductionSettings).corrections, [], []
    for field_name, field in type(settings).model_fields.items():
        name, applied = field_name.replace("_", " "), bool(getattr(settings, field_name))
        size = result.mass.corrections.get(field_name, 0.0)
        if applied and abs(size) <= ROUNDING:
            idle.append(name)
            continue
        sizes = significant(size * 1e6), significant(size * abs(result.mass.mass_kg) * MICROGRAMS)
        rows.append(CorrectionRow(name, field.description or "", applied, *(sizes if applied else ("", ""))))
    return rows, idle


# --- what was left out, and what was set -----------------------------------------------------------------------------


def excluded(result: Result) -> list[tuple[str, str, str]]:
    """Cycle, what of it, and why it was left out; counted from 1, neighbours that share a reason in one row."""

    def neighbours(place: tuple[int, Excluded]) -> tuple[int, str, int | None, str]:
        i, item = place
        return item.cycle, item.what, None if item.number is None else item.number - i, item.reason

    rows = []
    for (cycle, what, _, reason), group in groupby(enumerate(result.mass.excluded), neighbours):
        numbers = [item.number + 1 for _, item in group if item.number is not None]
        if len(numbers) > 1:
            what = f"{what}s {numbers[0]} to {numbers[-1]}"
        elif numbers:
            what = f"{what} {numbers[0]}"
        rows.append((str(cycle + 1), what, reason))
    return rows


def differences(origin: Origin) -> list[tuple[str, str, str, str]]:
    """Key, value of the parent, value here, and unit of what differs."""
    return [(item.key, _text(item.before), _text(item.after), readable(item.unit)) for item in origin.differences]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    text = grouped(plain(value, 12)) if isinstance(value, float) else str(value)
    return text if len(text) <= 120 else text[:117] + "…"


def run_facts(result: Record, origin: Origin) -> list[Row]:
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
