"""How a result, a scenario and a graph show themselves: as lines of text, and as HTML in a notebook.

A result is shown from its summary (`scenarios.run.result.Result.summary`), so that one that was read from a file looks
the same. Numbers are written as metrologists do: ``0.999 999 24(77) kg`` has its standard uncertainty in units of the
last digit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from twin.graph import Graph

if TYPE_CHECKING:
    from scenarios.schema import Scenario

Summary = Mapping[str, Any]
_PREFIXES = {-4: "p", -3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M"}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = "\N{MINUS SIGN}"


# --- numbers ---------------------------------------------------------------------------------------------------------


def with_uncertainty(value: float, u: float | None, unit: str) -> str:
    """A value with its standard uncertainty to two digits, in brackets and in units of the last digits.

    >>> with_uncertainty(0.99999924107, 7.7322e-7, "kg")
    '0.999 999 24(77) kg'
    >>> with_uncertainty(12.345, 4.5, "s")
    '12.3(4.5) s'
    """
    if u is None or not u > 1e-15 * abs(value):
        return f"{_grouped(f'{value:.12f}'.rstrip('0').rstrip('.'))} {unit}"
    decimals = 1 - math.floor(math.log10(u))
    if round(u * 10.0**decimals) == 100:
        decimals -= 1
    decimals = max(decimals, 0)
    brackets = f"{u:.{decimals}f}" if u >= 1.0 else f"{u * 10.0**decimals:.0f}"
    return f"{_grouped(f'{value:.{decimals}f}')}({brackets}) {unit}"


def _grouped(digits: str) -> str:
    """A decimal number in groups of three digits from the decimal point."""
    whole, point, decimals = digits.replace("-", _MINUS).partition(".")
    if len(whole.lstrip(_MINUS)) > 4:
        whole = f"{int(whole.replace(_MINUS, '-')):,}".replace(",", " ").replace("-", _MINUS)
    return whole + point + " ".join(decimals[i : i + 3] for i in range(0, len(decimals), 3))


def with_prefix(value: float, unit: str) -> str:
    """A value to three digits, with the prefix that keeps them short; a dimensionless one has none to take.

    >>> with_prefix(-7.59e-7, "g"), with_prefix(0.0976, "1")
    ('−759 ng', '0.0976')
    """
    if unit == "1":
        return _three(value) if value == 0.0 or abs(value) >= 1e-4 else scientific(value)
    power = math.floor(math.log10(abs(value)) / 3.0 + 1e-9) if value else 0
    if power not in _PREFIXES:
        return f"{scientific(value)} {unit}"
    return f"{_three(value / 1000.0**power)} {_PREFIXES[power]}{unit}"


def relative(value: float) -> str:
    """A relative deviation: in ppm, in 1e-9, or by its power of ten.

    >>> relative(-7.589e-7), relative(2.25e-8), relative(1.1e-16)
    ('−0.759 ppm', '22.5 × 10⁻⁹', '1.1 × 10⁻¹⁶')
    """
    if abs(value) >= 1e-7 or value == 0.0:
        return f"{_three(value * 1e6)} ppm"
    return f"{_three(value * 1e9)} × 10⁻⁹" if abs(value) >= 1e-11 else scientific(value)


def scientific(value: float) -> str:
    """Two digits and a power of ten."""
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits.replace('-', _MINUS)} × 10{str(int(power)).translate(_SUPERSCRIPTS)}"


def _three(value: float) -> str:
    """Three significant digits, without exponent where they are few."""
    if value == 0.0:
        return "0"
    decimals = max(2 - math.floor(math.log10(abs(value))), 0)
    return f"{value:.{decimals}f}".replace("-", _MINUS)


def duration(seconds: float) -> str:
    """A duration in the unit that suits it.

    >>> duration(28800), duration(180), duration(1.53), duration(5400)
    ('8 h', '3 min', '1.5 s', '1.5 h')
    """
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10.0 else f"{seconds:.4g} s"


# --- a result --------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A line of a result: a symbol, what it is equal to, and what it means."""

    symbol: str
    value: str
    meaning: str


def title(summary: Summary) -> str:
    """The scenario and how it was run, in one line."""
    account = summary.get("hardware")
    if account:
        run = f"{duration(summary['virtual_s'])} in real time" + when(account)
    elif "cycles_so_far" in summary:  # of a run under way nobody has added up the time
        run = f"{summary['cycles_so_far']} cycles so far"
    else:
        run = f"{duration(summary['virtual_s'])} simulated in {duration(summary['wall_s'])}"
    return f"{summary['scenario']}: {summary['campaign']}, seed {summary['seed']}, {run}"


def when(account: Mapping[str, Any]) -> str:
    """From when on a run with real instruments was, to the second; empty for one that does not say.

    >>> when({"began": "2026-11-22T17:57:18.250+00:00"})
    ' from 2026-11-22 17:57:18 UTC'
    """
    began = account.get("began")
    return f" from {datetime.fromisoformat(began).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if began else ""


def left_out(summary: Summary) -> str:
    """What the reduction found faulty and left out, in few words; empty if nothing."""
    kinds = Counter(item["what"] for item in summary.get("excluded", ()) if not item.get("skipped", False))
    return ", ".join(f"{n} {what}" + ("s" if n > 1 else "") for what, n in kinds.items())


def rows(summary: Summary) -> list[Row]:
    """The lines of a result."""
    if "quantities" in summary:
        return _measured(summary)
    found, true, thermal = summary["result"], summary["true"], summary["thermal"]
    mass, u, error = found["mass_kg"], found["u_mass_kg"], found["relative_error"]
    lines = [Row("m", with_uncertainty(mass, u, "kg"), "mass found, and its uncertainty")]
    if u:
        uncertainty = f"{with_prefix(u * 1e3, 'g')} = {relative(found['u_relative'])}"
        lines.append(Row("u(m)", uncertainty, "standard uncertainty, k = 1"))
    if true["mass_kg"] is not None:  # not recorded of a blind campaign
        deviation = f"{with_prefix((mass - true['mass_kg']) * 1e3, 'g')} = {relative(error)}"
        is_true = f"error; the true mass is {with_uncertainty(true['mass_kg'], None, 'kg')}"
        lines.append(Row("m − m_true", deviation, is_true))
    lines.append(
        Row("Bl", with_uncertainty(found["bl_Tm"], found["u_bl_Tm"], "T·m"), "geometric factor at the weighings")
    )
    if out := left_out(summary):
        lines.append(Row("left out", out, "as faulty; the report says why"))
    if (contacts := summary.get("contacts") or {}).get("count"):
        most = f"at most {contacts['largest_force_N']:.3g} N, {contacts['largest_overshoot']:.0%} above the load"
        lines.append(Row("contacts", str(contacts["count"]), f"of the coil with its stop in the ramps, {most}"))
    if external := true.get("external_flux_epsilon", 0.0):
        lines.append(Row("ε_ext", relative(external), "bias by external flux"))
    if acting := true.get("epsilon"):
        lines.append(Row("ε_true", relative(acting), "(Bl)_v/(Bl)_w − 1, uncorrected"))
    if thermal is not None:
        delay = thermal["delay_s"]
        lines += [
            Row("δT_f", with_prefix(thermal["delta_t_f_K"], "K"), "magnet temperature, peak to peak"),
            Row("δT_m", with_prefix(thermal["delta_t_m_K"], "K"), "its mean, velocity minus weighing"),
            Row("delay", "none" if delay is None else f"{_three(delay)} s", "of the temperature after the heating"),
            Row("ε", relative(thermal["epsilon"]), "thermal-magnetic bias"),
        ]
    return lines


def _measured(summary: Summary) -> list[Row]:
    """The lines of a campaign other than a mass campaign; of a series how many values it has, and their range."""
    found, true = summary["result"], summary["true"]
    lines = []
    for key, about in summary["quantities"].items():
        value, u, unit = found[key], found.get(f"u_{key}"), about["unit"].replace("*", "·").replace("Hz^0.5", "√Hz")
        meaning = about["meaning"]
        if isinstance(value, list):
            known = [v for v in value if v is not None]
            ends = " to ".join(quantity(v, None, unit) for v in (min(known), max(known))) if known else "none"
            lines.append(Row(about["symbol"], ends, f"{meaning}, {len(value)} values"))
            continue
        if key in true and true[key] is not None:
            meaning = f"{meaning}; true: {quantity(true[key], None, unit)}"
        lines.append(Row(about["symbol"], quantity(value, u, unit), meaning))
    return lines


def quantity(value: float | None, u: float | None, unit: str) -> str:
    """A quantity of any size in its unit, with its uncertainty to two digits if it has one.

    >>> quantity(1400.00123, 0.0045, "T·m"), quantity(3.2e-7, None, "m"), quantity(None, None, "m")
    ('1400.0012(45) T·m', '3.2e-07 m', 'none')
    >>> quantity(1.00000012, 7.6e-8, "kg")
    '1.000 000 120(76) kg'
    """
    unit = "" if unit == "1" else f" {unit}"
    if value is None:
        return "none"
    if not u or not math.isfinite(u):
        return f"{value:.10g}{unit}".replace("-", _MINUS) if abs(value) >= 1e-3 or value == 0 else f"{value:.4g}{unit}"
    if u > 1e-6 and 1e-3 < abs(value) < 1e7:
        return with_uncertainty(value, u, "").rstrip() + unit
    power = math.floor(math.log10(max(abs(value), u)))
    scaled = with_uncertainty(value / 10.0**power, u / 10.0**power, "").rstrip()
    return f"{scaled} × 10{str(power).translate(_SUPERSCRIPTS)}{unit}" if power else scaled + unit


def result_text(summary: Summary) -> str:
    """A result in a few lines."""
    lines = rows(summary)
    left, middle = (max(len(row[k]) for row in lines) for k in (0, 1))
    body = (f"  {row.symbol:>{left}} = {row.value:<{middle}}  {row.meaning}" for row in lines)
    return "\n".join([title(summary), *body])


def result_html(summary: Summary) -> str:
    """A result as a table."""
    body = "".join(
        f"<tr><td style='text-align:right'>{escape(row.symbol)}</td>"
        f"<td style='text-align:left'>{escape(row.value)}</td>"
        f"<td style='text-align:left'>{escape(row.meaning)}</td></tr>"
        for row in rows(summary)
    )
    return f"<table><caption>{escape(title(summary))}</caption><tbody>{body}</tbody></table>"


# --- a scenario and a graph ------------------------------------------------------------------------------------------


def scenario_rows(scenario: Scenario) -> list[Row]:
    """The lines of a scenario."""
    balance, length = scenario.balance, getattr(scenario.campaign, "duration", None)
    parts = f"{len(balance.parts)} components, {len(balance.wiring)} connections"
    campaign = scenario.campaign_type + ("" if length is None else f", {duration(length / 1e9)}")
    return [
        Row("balance", f"{balance.name} at scale {balance.scale:.4g}", parts),
        Row("campaign", campaign, scenario.description),
        Row("seed", str(scenario.seed), f"hash {scenario.hash[:12]}"),
    ]


def scenario_text(scenario: Scenario) -> str:
    """A scenario in a few lines."""
    lines = scenario_rows(scenario)
    left = max(len(row.symbol) for row in lines)
    body = (f"  {row.symbol:<{left}}  {'; '.join(filter(None, row[1:]))}" for row in lines)
    return "\n".join([scenario.name, *body])


def scenario_html(scenario: Scenario) -> str:
    """A scenario as a table, with all its values to unfold."""
    lines = [(row.symbol, "; ".join(filter(None, row[1:]))) for row in scenario_rows(scenario)]
    body = "".join(f"<tr><td>{escape(a)}</td><td style='text-align:left'>{escape(b)}</td></tr>" for a, b in lines)
    values = f"<details><summary>all values</summary><pre>{escape(scenario.to_yaml())}</pre></details>"
    return f"<table><caption>{escape(scenario.name)}</caption><tbody>{body}</tbody></table>{values}"


class ShownGraph(Graph):
    """A component graph that shows itself in a notebook."""

    def __repr__(self) -> str:
        loops = "; ".join(f"loop of {', '.join(sorted(group))}" for group in self.groups())
        return f"<Graph: {len(self.components)} components, {len(self.wiring)} connections{loops and '; '}{loops}>"

    def _repr_html_(self) -> str:
        from scenarios.run.drawing import svg

        return svg(self)
