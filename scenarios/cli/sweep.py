"""``kibble-twin sweep``: the points of a study, side by side."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Cluster, Json, ManyPoints, Points, ResumePoints, Workers, check_picture
from scenarios.cli.exit_codes import InterruptedRunError, UsageError
from scenarios.cli.progress import busy, rated
from scenarios.cli.terminal import note, show, show_json, show_table

if TYPE_CHECKING:
    from scenarios.studies.journal import Journal, Row
    from scenarios.studies.study import Study
    from scenarios.studies.sweep import Pool

_SHOWN = 60
"""Points that are listed; of more, what they range over."""


def sweep(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="A study file.", show_default=False)],
    workers: Workers = 0,
    cluster: Cluster = None,
    out: Points = None,
    resume: ResumePoints = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Validate, say how long it will take, and stop.")] = False,
    yes: ManyPoints = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the outputs over the axes: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Run a study: many scenarios, side by side.

    Only what is wanted is computed. A point that fails is a row with its error. What has finished is not computed again
    with --resume.
    """
    from scenarios.studies.study import MANY, load_study

    if resume and out is None:
        raise UsageError("--resume goes on with a file: give it with --out")
    if plot is not None:
        check_picture(plot)
    with busy("validating the study"):
        chosen = load_study(study)
    if chosen.size > MANY and not yes:
        raise UsageError(f"{chosen.name}: {chosen.size} points are more than {MANY}; add --yes if that is meant")
    if out is not None:
        check_out(out, resume=resume)
    with pool_of(cluster, workers, chosen.size) as pool:
        if dry_run:
            _foresee(chosen, pool, as_json=as_json)
            return
        rows = _run(chosen, pool, out, resume=resume)
    if plot is not None:
        _draw(chosen, rows, plot)
    _report(chosen, rows, out, as_json=as_json)


# --- before the first point ------------------------------------------------------------------------------------------


def check_out(out: Path, *, resume: bool) -> None:
    """Refuse what cannot be written, or holds something that nobody has offered up."""
    from scenarios.run.output import OutputError

    if out.is_dir() or not out.parent.is_dir():
        raise OutputError(f"{out}: expected a file in a folder that is there")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise OutputError(f"{out}: cannot be written there")
    there = next((path for path in (out, beside(out)) if path.exists()), None)
    if there is not None and not resume:
        raise OutputError(f"{there} is there: add --resume to go on with it, or move it away")


def beside(out: Path) -> Path:
    """Where the finished points are kept until all are."""
    return out.with_name(f".{out.name}.points")


@contextmanager
def pool_of(address: str | None, workers: int, size: int) -> Iterator[Pool | None]:
    """Processes here, or those of a cluster; None for a single one."""
    from scenarios.studies.executors import START, cluster, cores, processes
    from scenarios.studies.sweep import Pool

    if address is not None:
        with cluster(address) as (executor, threads):
            yield Pool(lambda: executor, threads)
        return
    count = min(workers or cores(), size)
    yield None if count == 1 else Pool(lambda: processes(count), count, START)


def _foresee(study: Study, pool: Pool | None, *, as_json: bool) -> None:
    """Say what would be computed, and how long that would take."""
    from scenarios.studies.forecast import seconds_a_point, timed, total

    points = list(study.points())
    with busy("timing a few points"):
        rows = list(timed(study, points))
    count, seconds = 1 if pool is None else pool.workers, seconds_a_point(study, points, rows)
    whole = total(seconds, study.size, pool)
    if as_json:
        plain = {"points": study.size, "shape": list(study.shape), "outputs": list(study.outputs)}
        show_json({"study": study.name, **plain, "seconds_a_point": seconds, "workers": count, "seconds": whole})
    else:
        shape = " × ".join(map(str, study.shape))
        show(f"{study.name}: {study.size} points ({shape}) of {study.base.scenario.name}, {', '.join(study.outputs)}")
        show(f"{roughly(whole)} on {in_words(count)}, {duration(seconds)} a point")


def duration(seconds: float) -> str:
    """A time in words, to a digit or two."""
    for size, unit in ((172800.0, "d"), (7200.0, "h"), (120.0, "min")):
        if seconds >= size:
            return f"{seconds / {'d': 86400, 'h': 3600, 'min': 60}[unit]:.2g} {unit}"
    return f"{seconds:.2g} s" if seconds >= 0.1 else f"{1e3 * seconds:.2g} ms"


def roughly(seconds: float) -> str:
    """A time that is expected, with no more digits than anybody knows of it."""
    if seconds < 1.0:
        return "less than a second"
    number, unit = duration(seconds).split()
    digits = 2 if number[0] == "1" else 1
    return f"about {float(f'{float(number):.{digits}g}'):g} {unit}"


def in_words(count: int) -> str:
    """So many processes."""
    return "one process" if count == 1 else f"{count} processes"


# --- the points ------------------------------------------------------------------------------------------------------


def _run(study: Study, pool: Pool | None, out: Path | None, *, resume: bool) -> list[Row]:
    """Compute what is missing; all rows by their numbers."""
    from scenarios.studies.dataset import dataset, read_rows, write
    from scenarios.studies.journal import Journal, Row
    from scenarios.studies.sweep import pending

    journal = Journal(None if out is None else beside(out))
    known: dict[str, Row] = {}
    if resume and out is not None:
        known = (read_rows(out) if out.exists() else {}) | journal.read()
    parts = list(pending(study, known))
    found = [part for part in parts if isinstance(part, Row)]
    points = [part for part in parts if not isinstance(part, Row)]
    if resume:
        note(f"note: {len(found)} of {study.size} points had finished")
    with kept_on_interrupt(journal, study.size, found):
        for row in _computed(study, points, pool, len(found)):
            found.append(row)
            journal.write(row)
    if out is not None:
        write(dataset(study, found), out)
        journal.remove()
    return sorted(found, key=lambda row: row.number)


def _computed(study: Study, points: list[Any], pool: Pool | None, done: int) -> Iterator[Row]:
    """The rows of the points; a few here, which tell how long the others will take."""
    from scenarios.studies.forecast import seconds_a_point, timed, total
    from scenarios.studies.sweep import rows

    if not points:
        return
    begin, count = time.perf_counter(), 1 if pool is None else pool.workers

    def all_rows() -> Iterator[Row]:
        known: list[Row] = []
        for row in timed(study, points):
            known.append(row)
            yield row
        there = {row.number for row in known}
        others = [point for point in points if point.number not in there]
        seconds = seconds_a_point(study, points, known)
        if others:
            left = total(seconds, len(others), pool)
            note(f"note: {len(others)} more points, {roughly(left)} on {in_words(count)}")
        yield from rows(study, others, pool if len(others) > 1 else None, seconds)

    yield from rated(all_rows(), done + len(points), "point", done)
    took = time.perf_counter() - begin
    note(f"note: {len(points)} points in {duration(took)}, {len(points) / took:.3g} a second, {in_words(count)}")


@contextmanager
def kept_on_interrupt(journal: Journal, total: int, found: list[Row]) -> Iterator[None]:
    """Say after an interruption how to go on."""
    kept: AbstractContextManager[Any] = journal if journal.path is not None else nullcontext()
    try:
        with kept:
            yield
    except KeyboardInterrupt:
        if journal.path is None:
            raise
        raise InterruptedRunError(
            f"interrupted: {len(found)} of {total} points are kept; go on with the same command and --resume"
        ) from None


# --- afterwards ------------------------------------------------------------------------------------------------------


def _draw(study: Study, rows: list[Row], plot: Path) -> None:
    """Draw; what cannot be drawn is told, and the results are still there."""
    from scenarios.studies.sweep_picture import PictureError, draw

    try:
        draw(study, rows, plot)
    except PictureError as error:
        note(f"warning: no picture: {error}")


def _report(study: Study, rows: list[Row], out: Path | None, *, as_json: bool) -> None:
    failed = [row for row in rows if row.error]
    if as_json:
        show_json(
            {
                "study": study.name,
                "points": study.size,
                "failed": len(failed),
                "out": None if out is None else str(out),
                "rows": [_plain(values, row) for values, row in zip(_values(study), rows, strict=True)],
            }
        )
        return
    if study.size <= _SHOWN:
        _list(study, rows)
    else:
        _summarise(study, rows)
    if failed:
        note(f"warning: {len(failed)} of {study.size} points failed; the first: {failed[0].error}")
    if out is not None:
        show(f"written to {out}")


def _values(study: Study) -> Iterator[dict[str, Any]]:
    """What each point has on the axes, by axis and variant."""
    names = list(study.variants)
    own = study.size // len(names) if names else study.size
    first = {each.name: each.paths[0] for each in study.axes}
    for point in study.points():
        variant = {"variant": names[point.number // own]} if names else {}
        yield {**variant, **{name: point.overrides[path] for name, path in first.items()}}


def _plain(values: dict[str, Any], row: Row) -> dict[str, Any]:
    finite = {name: value if math.isfinite(value) else None for name, value in row.values.items()}
    return {**values, **finite, "error": row.error or None, "scenario_hash": row.key}


def _list(study: Study, rows: list[Row]) -> None:
    from scenarios.report.numbers import significant
    from scenarios.studies.outputs import OUTPUTS

    def cell(value: Any) -> str:
        return f"{value:.6g}" if isinstance(value, float) else str(value)

    values = list(_values(study))
    units = {each.name: each.units[0] or "" for each in study.axes}
    names = list(values[0]) if values else []
    heads = [_head(name, units.get(name, "")) for name in names]
    heads += [_head(name, OUTPUTS[name].unit) for name in study.outputs]
    lines = []
    for given, row in zip(values, rows, strict=True):
        found = [significant(row.values.get(name, math.nan), 5) for name in study.outputs]
        lines.append([*(cell(given[name]) for name in names), *found, "failed" if row.error else ""])
    show_table([*heads, ""], lines, right=range(len(heads)))


def _head(name: str, unit: str) -> str:
    from scenarios.report.numbers import readable
    from scenarios.report.theme import label

    return label(name, readable(unit))


def _summarise(study: Study, rows: list[Row]) -> None:
    from scenarios.report.numbers import readable, significant
    from scenarios.studies.outputs import OUTPUTS

    lines = []
    for name in study.outputs:
        values = [row.values[name] for row in rows if math.isfinite(row.values.get(name, math.nan))]
        span = (significant(min(values), 5), significant(max(values), 5)) if values else ("–", "–")
        lines.append((name, *span, readable(OUTPUTS[name].unit), OUTPUTS[name].description))
    show(f"{study.name}: {study.size} points")
    show_table(("output", "least", "largest", "", ""), lines, right=(1, 2))
