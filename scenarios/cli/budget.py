"""``kibble-twin budget``: what each effect does to the mass, and each source of noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from scenarios.cli.arguments import Json, Settings, Source, Workers, check_picture, experiment
from scenarios.cli.progress import busy, counted
from scenarios.cli.terminal import show, show_json, show_table

if TYPE_CHECKING:
    from scenarios.run.experiment import Experiment
    from scenarios.run.result import Result
    from scenarios.studies.noise_budget import Noise, NoiseBudget
    from scenarios.studies.systematic import Contribution, Pair, Systematic

T = TypeVar("T")
_TAUS = 3
"""Averaging times that the text shows."""


def budget(
    scenario: Source,
    settings: Settings = None,
    noise: Annotated[
        bool, typer.Option("--noise", help="The sources of noise instead: Allan deviations, spectra, their sum.")
    ] = False,
    workers: Workers = 0,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Tell what each effect does to the mass, alone and in company.

    At the sizes of the scenario, without and with correction, beside the uncertainty budget of the same run (GUM). With
    --noise each source of noise, their sum, and the noise of the whole twin to compare.
    """
    if plot is not None:
        check_picture(plot)
    chosen = experiment(scenario, settings)
    chosen.check()
    if noise:
        _noise(chosen, workers, plot, as_json=as_json)
    else:
        _effects(chosen, workers, plot, as_json=as_json)


def _side_by_side(run: Callable[[Executor | None], Iterator[T]], workers: int, total: int, what: str) -> list[T]:
    from scenarios.studies.executors import cores, processes

    count = min(workers or cores(), total)
    if count == 1:
        return list(counted(run(None), total, what))
    with processes(count) as executor:
        return list(counted(run(executor), total, what))


# --- effects ---------------------------------------------------------------------------------------------------------


def _effects(chosen: Experiment, workers: int, plot: Path | None, *, as_json: bool) -> None:
    from scenarios.studies.systematic import plan, run_jobs, told

    with busy("looking for effects"):
        effects, jobs = plan(chosen)
    done = _side_by_side(lambda executor: run_jobs(jobs, executor), workers, len(jobs), "campaign")
    found = told(effects, done)
    with busy("running the campaign itself"):
        result: Result = chosen.run()
    if plot is not None:
        from scenarios.studies.budget_picture import draw_effects

        draw_effects(found, result.mass.u_relative, plot)
    if as_json:
        show_json({"scenario": chosen.scenario.name, **_plain(found), "gum": _gum(result)})
    else:
        _show(chosen.scenario.name, found, result)


def _pair(pair: Pair) -> dict[str, float]:
    return {"uncorrected": pair.uncorrected, "corrected": pair.corrected}


def _plain(found: Systematic) -> dict[str, Any]:
    return {
        "effects": [
            {
                "name": row.effect.name,
                "parameters": dict(row.effect.own),
                "partners": dict(row.effect.partners),
                "corrections": sorted(row.effect.corrections),
                "alone": _pair(row.alone),
                "company": _pair(row.company),
                "interaction": row.interaction,
                "interacts": row.interacts,
            }
            for row in found.rows
        ],
        "whole": _pair(found.whole),
        "sum_alone": _pair(found.summed),
    }


def _gum(result: Result) -> dict[str, Any]:
    mass = result.mass
    lines = sorted(mass.budget.lines, key=lambda line: -line.contribution)
    return {
        "mass_kg": mass.mass_kg,
        "u_relative": mass.u_relative,
        "u_type_a": mass.u_type_a,
        "u_type_b": mass.u_type_b,
        "dof": mass.dof if math.isfinite(mass.dof) else None,
        "lines": [{"label": x.label, "kind": x.kind, "contribution": x.contribution} for x in lines],
    }


def _show(name: str, found: Systematic, result: Result) -> None:
    from scenarios.report import tables
    from scenarios.studies.effects import ROUNDING, ppm

    heads = ("effect", "alone / ppm", "corrected", "in company / ppm", "corrected", "")
    seen = [row for row in found.rows if _largest(row) >= ROUNDING]
    show(f"{name}: systematic errors of the mass, at the sizes of the scenario", "")
    show_table(heads, [(*_cells(row), "interacts" if row.interacts else "") for row in seen], right=(1, 2, 3, 4))
    if rest := [row.effect.name for row in found.rows if row not in seen]:
        show("", f"below {1e6 * ROUNDING:g} ppm, alone as in company: {'; '.join(rest)}")
    whole, summed = found.whole, found.summed
    show("", f"sum of all alone  {ppm(summed.uncorrected)} ppm, corrected {ppm(summed.corrected)} ppm")
    show(f"all together      {ppm(whole.uncorrected)} ppm, corrected {ppm(whole.corrected)} ppm")
    table = tables.budget(result)
    lines = [(row.label, row.kind, row.relative) for row in (*table.lines, *table.totals)]
    show("", "uncertainty budget (GUM) of the same campaign", "")
    show_table(("input", "type", f"u / {table.relative_unit}"), lines, right=(2,))


def _largest(row: Contribution) -> float:
    return max(abs(size) for pair in (row.alone, row.company) for size in (pair.uncorrected, pair.corrected))


def _cells(row: Contribution) -> tuple[str, ...]:
    from scenarios.studies.effects import ppm

    has = bool(row.effect.corrections)
    pairs = ((ppm(pair.uncorrected), ppm(pair.corrected) if has else "–") for pair in (row.alone, row.company))
    return (row.effect.name, *(cell for pair in pairs for cell in pair))


# --- noise -----------------------------------------------------------------------------------------------------------


def _noise(chosen: Experiment, workers: int, plot: Path | None, *, as_json: bool) -> None:
    from scenarios.studies.noise_budget import campaigns, run_all, told

    with busy("looking for noise"):
        there, runs = campaigns(chosen)
    done = _side_by_side(lambda executor: run_all(runs, executor), workers, len(runs), "campaign")
    found = told(there, done)
    if plot is not None:
        from scenarios.studies.budget_picture import draw_noise

        draw_noise(found, plot)
    if as_json:
        show_json({"scenario": chosen.scenario.name, **_plain_noise(found)})
    else:
        _show_noise(chosen.scenario.name, found)


def _plain_noise(found: NoiseBudget) -> dict[str, Any]:
    readings: dict[str, Any] = {
        str(where): {
            "sources": {name: _curves(own) for name, own in each.sources.items()},
            "sum": _curves(each.total),
            "twin": _curves(each.twin),
            "scores": [score if math.isfinite(score) else None for score in each.scores.tolist()],
            "agrees": each.agrees,
        }
        for where, each in found.readings.items()
    }
    mass = found.mass
    cycles = None if mass is None else {
        "cycles": mass.cycles,
        "sources": dict(mass.sources),
        "sum": mass.total,
        "twin": mass.twin,
        "u_twin": mass.u_twin,
        "agrees": mass.agrees,
    }  # fmt: skip
    parameters = {source.name: dict(source.settings) for source in found.sources}
    return {"parameters": parameters, **readings, "mass": cycles, "agrees": found.agrees}


def _curves(noise: Noise) -> dict[str, list[float]]:
    names = ("tau_s", "allan", "low", "high", "frequency_Hz", "asd", "u_asd")
    return {name: getattr(noise, name).tolist() for name in names}


def _show_noise(name: str, found: NoiseBudget) -> None:
    import numpy as np

    from scenarios.studies.noise_budget import TITLES

    show(f"{name}: noise of the mass, relative, source by source")
    for where, each in found.readings.items():
        picks = np.unique(np.linspace(0, len(each.twin.tau_s) - 1, _TAUS).round().astype(int))
        heads = [f"σ({each.twin.tau_s[i]:g} s)" for i in picks]
        curves = [*each.sources.items(), ("sum", each.total), ("the whole twin", each.twin)]
        rows = [(title, *(f"{noise.allan[i]:.3g}" for i in picks), _level(noise)) for title, noise in curves]
        rows[-1] = (rows[-1][0], *(_with_bar(each.twin, i) for i in picks), rows[-1][-1])
        show("")
        show_table((TITLES[where], *heads, "median ASD / (1/√Hz)"), rows, right=range(1, len(heads) + 2))
        show(_verdict(agrees=each.agrees))
    mass = found.mass
    if mass is not None:
        lines = [*mass.sources.items(), ("sum", mass.total), ("the whole twin", mass.twin)]
        rows = [(title, f"{size:.3g}") for title, size in lines]
        rows[-1] = (rows[-1][0], f"{mass.twin:.3g} ± {mass.u_twin:.2g}")
        show("")
        show_table((f"mass of a cycle ({mass.cycles} cycles)", "standard deviation"), rows, right=(1,))
        show(_verdict(agrees=mass.agrees is not False))


def _level(noise: Noise) -> str:
    import numpy as np

    return f"{np.median(noise.asd):.3g}" if noise.asd.size else "–"


def _with_bar(noise: Noise, i: int) -> str:
    return f"{noise.allan[i]:.3g} ± {0.5 * (noise.high[i] - noise.low[i]):.1g}"


def _verdict(*, agrees: bool) -> str:
    return "sum and twin agree within their error bars" if agrees else "sum and twin do not agree: a source is missing"
