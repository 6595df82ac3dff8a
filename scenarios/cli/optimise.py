"""``kibble-twin optimise``: the best compromises between several objectives of a study."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Cluster, Json, ManyPoints, Points, ResumePoints, Workers, check_picture
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.progress import busy, rated
from scenarios.cli.sweep import beside, check_out, duration, in_words, kept_on_interrupt, pool_of
from scenarios.cli.terminal import note, show, show_json, show_table

if TYPE_CHECKING:
    from scenarios.studies.journal import Journal, Row
    from scenarios.studies.optimise import Member, Optimiser
    from scenarios.studies.study import Point, Study
    from scenarios.studies.sweep import Pool

_SHOWN = 30
"""Points of a front that are listed."""


def optimise(
    study: Annotated[
        Path,
        typer.Argument(
            metavar="STUDY", help="A study file with objectives, and maybe constraints.", show_default=False
        ),
    ],
    population: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--population",
            min=4,
            help="Points of a generation in each variant, a power of 2. By default as the study samples, or 32.",
            show_default=False,
        ),
    ] = None,
    generations: Annotated[int, typer.Option(min=0, help="After the first one, which is Sobol's points.")] = 20,
    workers: Workers = 0,
    cluster: Cluster = None,
    out: Points = None,
    resume: ResumePoints = False,
    yes: ManyPoints = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the front: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Find the best compromises: the Pareto front of a study.

    Its objectives are made small, or large, within its constraints, over its axes and variants. Of the scenarios found
    none is better in every objective.
    """
    from scenarios.studies.optimise import POPULATION, Optimiser
    from scenarios.studies.study import MANY, load_study

    if resume and out is None:
        raise UsageError("--resume goes on with a file: give it with --out")
    if plot is not None:
        check_picture(plot)
    with busy("validating the study"):
        chosen = load_study(study)
    search = Optimiser(chosen, population or chosen.sampling.points or POPULATION)
    total = search.population * max(len(chosen.variants), 1) * (generations + 1)
    if total > MANY and not yes:
        raise UsageError(f"{chosen.name}: {total} points are more than {MANY}; add --yes if that is meant")
    if out is not None:
        check_out(out, resume=resume)
    with pool_of(cluster, workers, search.population) as pool:
        _search(search, generations, total, pool, out, resume=resume)
    if plot is not None:
        from scenarios.studies.optimise_picture import draw

        draw(search, plot)
    _report(search, out, as_json=as_json)


def _search(
    search: Optimiser, generations: int, total: int, pool: Pool | None, out: Path | None, *, resume: bool
) -> None:
    """Generation by generation, with the points that had finished; then write them all."""
    from scenarios.studies.dataset import read_rows, write
    from scenarios.studies.journal import Journal
    from scenarios.studies.optimise import lasting
    from scenarios.studies.optimise_dataset import dataset

    journal = Journal(None if out is None else beside(out))
    known: dict[str, Row] = {}
    if resume and out is not None:
        known = (read_rows(out) if out.exists() else {}) | journal.read()
    done: list[Row] = []
    staying, executor = (None, None) if pool is None else lasting(pool)
    try:
        with kept_on_interrupt(journal, total, done):
            steps = _generations(search, generations, total, staying, known, journal)
            for row in rated(steps, total, "point"):
                done.append(row)
    finally:
        if executor is not None:
            executor.close()
    if out is not None:
        write(dataset(search), out)
        journal.remove()


def _generations(
    search: Optimiser, generations: int, total: int, pool: Pool | None, known: dict[str, Row], journal: Journal
) -> Iterator[Row]:
    from scenarios.studies.journal import Row

    seconds, found_before = 0.1, 0
    for generation in range(generations + 1):
        own: list[Row] = []
        parts = [_known(search.study, point, known) for point in search.ask()]
        fresh = [part for part in parts if not isinstance(part, Row)]
        for row in _rows(search.study, parts, fresh, pool, seconds):
            if row.key not in known or not known[row.key].holds(search.study.outputs):
                known[row.key] = row
                journal.write(row)
            own.append(row)
            yield row
        search.tell(own)
        found_before += len(parts) - len(fresh)
        if generation == 0 and fresh:
            seconds = sum(row.seconds for row in own) / len(own)
            count = 1 if pool is None else pool.workers
            left = seconds * (total - len(own)) / count
            if left > 10.0:
                note(f"note: {total - len(own)} more points, about {duration(left)} on {in_words(count)}")
    if found_before:
        note(f"note: {found_before} of {total} points had finished")


def _known(study: Study, point: Point, known: dict[str, Row]) -> Point | Row:
    """A point, or its row if that is there."""
    from dataclasses import replace

    from scenarios.studies.sweep import key

    found = known.get(key(study.base, point)) if known else None
    return point if found is None or not found.holds(study.outputs) else replace(found, number=point.number)


def _rows(study: Study, parts: list[Any], fresh: list[Any], pool: Pool | None, seconds: float) -> Iterator[Row]:
    from scenarios.studies.journal import Row
    from scenarios.studies.sweep import rows

    yield from (part for part in parts if isinstance(part, Row))
    yield from rows(study, fresh, pool, seconds)


# --- afterwards ------------------------------------------------------------------------------------------------------


def _report(search: Optimiser, out: Path | None, *, as_json: bool) -> None:
    study, front = search.study, search.front
    failed = [member for member in search.members if member.row.error]
    if as_json:
        show_json(
            {
                "study": study.name,
                "objectives": [goal.text for goal in study.objectives],
                "constraints": [limit.text for limit in study.constraints],
                "points": len(search.members),
                "failed": len(failed),
                "feasible": sum(member.excess == 0.0 for member in search.members),
                "out": None if out is None else str(out),
                "front": [_plain(study, member) for member in front],
            }
        )
    else:
        _show(search, front)
    if failed:
        note(f"warning: {len(failed)} of {len(search.members)} points failed; the first: {failed[0].row.error}")
    if out is not None and not as_json:
        show(f"written to {out}")


def _plain(study: Study, member: Member) -> dict[str, Any]:
    variant = {"variant": member.variant} if study.variants else {}
    axes = {each.name: member.point.overrides[each.paths[0]] for each in study.axes}
    finite = {name: value if math.isfinite(value) else None for name, value in member.row.values.items()}
    goals = {goal.text: goal.of(member.row.values) for goal in study.objectives}
    return {**variant, "axes": axes, "outputs": finite, "objectives": goals, "scenario_hash": member.row.key}


def _show(search: Optimiser, front: list[Member]) -> None:
    from scenarios.report.numbers import readable, significant
    from scenarios.report.theme import label
    from scenarios.studies.outputs import OUTPUTS

    study = search.study
    feasible = sum(member.excess == 0.0 for member in search.members)
    kept = f", {feasible} keep {' and '.join(limit.text for limit in study.constraints)}" if study.constraints else ""
    show(f"{study.name}: {len(search.members)} points{kept}; {len(front)} are on the front")
    if not front:
        nearest = min(search.members, key=lambda member: member.excess)
        if math.isfinite(nearest.excess):
            off = significant(100 * nearest.excess, 2)
            show(f"no point keeps the limits; the nearest breaks them by {off} %: {_axes_in_words(study, nearest)}")
        return
    first = ["variant"] if study.variants else []
    heads = [*first, *(label(each.name, readable(each.units[0] or "")) for each in study.axes)]
    heads += [label(goal.text, readable(OUTPUTS[goal.output].unit)) for goal in study.objectives]
    rest = [name for name in study.outputs if name not in {goal.output for goal in study.objectives}]
    heads += [label(name, readable(OUTPUTS[name].unit)) for name in rest]
    rows = []
    shown = (
        front if len(front) <= _SHOWN else [front[round(i * (len(front) - 1) / (_SHOWN - 1))] for i in range(_SHOWN)]
    )
    for member in shown:
        cells = [member.variant] if study.variants else []
        cells += [_cell(member.point.overrides[each.paths[0]]) for each in study.axes]
        cells += [significant(goal.of(member.row.values), 4) for goal in study.objectives]
        rows.append([*cells, *(significant(member.row.values[name], 4) for name in rest)])
    show_table(heads, rows, right=range(len(first), len(heads)))
    if len(shown) < len(front):
        show(f"{len(shown)} of {len(front)}; all with --json or --out")


def _axes_in_words(study: Study, member: Member) -> str:
    return ", ".join(f"{each.name} = {_cell(member.point.overrides[each.paths[0]])}" for each in study.axes)


def _cell(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
