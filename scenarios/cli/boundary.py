"""``kibble-twin boundary``: where the thermal-magnetic error reaches a limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import SOURCE_HELP, Json, Settings, check_picture, experiment
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.progress import busy, counted
from scenarios.cli.terminal import show, show_json, show_table

if TYPE_CHECKING:
    from scenarios.run.experiment import Experiment
    from scenarios.studies.boundary import Boundary, Entry, Root


def boundary(
    scenario: Annotated[str | None, typer.Argument(metavar="FILE|NAME", help=SOURCE_HELP, show_default=False)] = None,
    over: Annotated[
        str, typer.Option("--over", metavar="KEY.PATH", help="What to vary; balance.scale is the size of the magnet.")
    ] = "balance.scale",
    limit: Annotated[str, typer.Option(help="Of the relative error of the mass, such as 1e-8 or '10 ppb'.")] = "1e-8",
    low: Annotated[
        str | None, typer.Option("--from", help="Start of the range; of a scale 0.2.", show_default=False)
    ] = None,
    high: Annotated[
        str | None, typer.Option("--to", help="End of the range; of a scale 1.2.", show_default=False)
    ] = None,
    settings: Settings = None,
    table: Annotated[
        bool,
        typer.Option(
            "--table", help="A table of sizes instead, as Liu2025 has one: each scheme with SmCo and with NdFeB."
        ),
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="With --table: processes; 0: one for each core.")] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw |ε| over the range: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Find how small a magnet may be.

    All values of a parameter with |ε| at a limit; ε is the thermal-magnetic error of the mass, without noise and as the
    certificates say the parts are.
    """
    if plot is not None:
        check_picture(plot)
    if table:
        _check_table(scenario, settings, over)
        _table(_limit(limit), low, high, workers, plot, as_json=as_json)
    elif scenario is None:
        raise UsageError("give the file or the name of a scenario, or --table; see kibble-twin list")
    else:
        _one(experiment(scenario, settings), over, _limit(limit), low, high, plot, as_json=as_json)


def _check_table(scenario: str | None, settings: list[str] | None, over: str) -> None:
    if scenario is not None or settings or over != "balance.scale":
        raise UsageError("--table has its own scenarios: leave the scenario, --set and --over out")


def _limit(text: str) -> float:
    from twin.parameter import to_si

    try:
        return to_si(text, "1")
    except ValueError as error:
        raise UsageError(f"--limit: {error}") from error


def _one(
    chosen: Experiment,
    over: str,
    limit: float,
    low: str | None,
    high: str | None,
    plot: Path | None,
    *,
    as_json: bool,
) -> None:
    from scenarios.schema.overrides import Setting
    from scenarios.studies.boundary import Search
    from scenarios.studies.parameters import number, present, unit_of_path

    unit = unit_of_path(chosen.scenario, over)
    if unit is None:
        if present(chosen, over) is None:  # a word that is wrong is said as of --set, with a near one
            chosen.scenario.with_settings([Setting(f"{over}=1", f"--over {over}")])
        raise UsageError(f"--over: {chosen.scenario.name} has no quantity {over}; see kibble-twin schema")
    if isinstance(present(chosen, over), int):
        raise UsageError(f"--over: {over} is a whole number, between which nothing lies; try them with a sweep")
    span = _range(over, unit, low, high, partial(number, chosen.scenario, over))
    search = Search(chosen, over)
    for value in span:
        search.at(value).check()  # a range that cannot be is said before anything is computed
    with busy(f"looking for |ε| = {limit:g}"):
        found = _found(search, limit, span)
    if plot is not None:
        from scenarios.studies.boundary_picture import draw

        draw({"": found}, unit, plot)
    if as_json:
        show_json({"scenario": chosen.scenario.name, "unit": unit, **_plain(found)})
    else:
        _show(chosen, found, unit)


def _found(search: Any, limit: float, span: tuple[float, float]) -> Boundary:
    try:
        made: Boundary = search.boundary(limit, *span)
    except ValueError as error:
        raise UsageError(f"--limit, --from, --to: {error}") from error
    return made


def _range(
    over: str, unit: str, low: str | None, high: str | None, number: Callable[[str], Any]
) -> tuple[float, float]:
    """The range that is asked for, in the unit of the parameter."""
    from scenarios.studies.boundary import SCALE, SCALE_RANGE

    default: tuple[float | None, float | None] = SCALE_RANGE if over == SCALE else (None, None)
    found = []
    for option, text, value in (("--from", low, default[0]), ("--to", high, default[1])):
        if text is not None:
            try:
                value = float(number(text))
            except ValueError as error:
                raise UsageError(f"{option}: {error}") from error
        if value is None:
            raise UsageError(
                f"give --from and --to for {over}, in {unit} or with a unit; only of a scale there is a range"
            )
        found.append(value)
    return found[0], found[1]


def _plain(found: Boundary) -> dict[str, Any]:
    return {
        "over": found.path,
        "from": found.low,
        "to": found.high,
        "limit": found.limit,
        "roots": [_root(root) for root in found.roots],
        "within": [list(stretch) for stretch in found.within],
    }


def _root(root: Root) -> dict[str, Any]:
    return {
        "value": root.value,
        "u": root.u,
        "diameter_mm": root.diameter_mm,
        "mass_kg": root.mass_kg,
        "slope": root.slope,
    }


def _show(chosen: Experiment, found: Boundary, unit: str) -> None:
    from scenarios.report.numbers import readable

    span = f"{found.low:g} to {found.high:g} {readable(unit)}".rstrip()
    show(f"{chosen.scenario.name}: |ε| = {found.limit:g} over {found.path} from {span}")
    if not found.roots:
        show(f"nowhere: the limit is {found.verdict}")
        return
    rows = [(*_place(root, readable(unit)), *_size(root)) for root in found.roots]
    show_table((found.path, "numerically to", "diameter", "mass of the magnet"), rows, right=(1, 2, 3))
    show(f"{found.verdict} {readable(unit)}".rstrip())


def _place(root: Root, unit: str) -> tuple[str, str]:
    """The value of a root to the digits that are computed, and how far they are: no uncertainty of a measurement."""
    from scenarios.report.numbers import significant

    known = root.value != 0.0 and 0.0 < root.u < math.inf
    digits = math.floor(math.log10(abs(root.value))) - math.floor(math.log10(root.u)) + 1 if known else 10
    return f"{significant(root.value, max(digits, 1))} {unit}".rstrip(), f"{significant(root.u, 1)} {unit}".rstrip()


def _size(root: Root | None) -> tuple[str, str]:
    from scenarios.report.numbers import significant

    diameter, mass = (None, None) if root is None else (root.diameter_mm, root.mass_kg)
    return (
        "–" if diameter is None else f"{significant(diameter, 4)} mm",
        "–" if mass is None else f"{significant(mass, 4)} kg",
    )


# --- the size table --------------------------------------------------------------------------------------------------


def _table(limit: float, low: str | None, high: str | None, workers: int, plot: Path | None, *, as_json: bool) -> None:
    from scenarios.studies.boundary import MATERIALS, SCALE, SCHEMES, SHARES
    from twin.parameter import to_si

    span = _range(SCALE, "1", low, high, partial(to_si, unit="1"))
    if not (limit > 0 and 0 < span[0] < span[1]):
        raise UsageError(
            f"--limit, --from, --to: expected positive numbers that ascend, not {limit:g}, {span[0]:g}, {span[1]:g}"
        )
    cases = [(scheme, material) for scheme in SCHEMES for material in MATERIALS]
    entries = list(counted(_entries(cases, limit, span, workers), len(cases), "size"))
    if plot is not None:
        from scenarios.studies.boundary_picture import draw

        whole = [entry for entry in entries if entry.scheme not in SHARES]
        names = {f"{entry.name}, {entry.material}": entry.boundary for entry in whole}
        draw(names, "1", plot)
    if as_json:
        known = _published()
        show_json({"limit": limit, "entries": [_entry(entry, known) for entry in entries]})
    else:
        _show_table(entries, limit)


def _entries(cases: list[tuple[str, str]], limit: float, span: tuple[float, float], workers: int) -> Iterator[Entry]:
    from scenarios.studies.boundary import table_entry
    from scenarios.studies.executors import cores, processes

    one = partial(table_entry, limit=limit, low=span[0], high=span[1])
    count = min(workers or cores(), len(cases))
    if count == 1:
        yield from map(one, cases)
        return
    with processes(count) as executor:
        yield from executor.map(one, cases)


def _published() -> dict[str, float]:
    """The sizes that are published, by the ids of the entries."""
    from scenarios.studies.published import published

    return {row.id: row.value for row in published()}


def _entry(entry: Entry, known: dict[str, float]) -> dict[str, Any]:
    from scenarios.studies.boundary import REASONS, SHARES

    size, printed = entry.size, known.get(entry.id)
    return {
        "published": printed,
        "ratio": None if printed is None or size is None else size.value / printed,
        "reason": REASONS[entry.scheme],
        "id": entry.id,
        "scheme": entry.scheme,
        "material": entry.material,
        "share": SHARES.get(entry.scheme, 1.0),
        "p": None if size is None else size.value,
        "u": None if size is None else size.u,
        "diameter_mm": None if size is None else size.diameter_mm,
        "mass_kg": None if size is None else size.mass_kg,
        "band": None if entry.band is None else list(entry.band),
        "kept": entry.boundary.verdict,
        **_plain(entry.boundary),
    }


def _show_table(entries: list[Entry], limit: float) -> None:
    from scenarios.report.numbers import significant
    from scenarios.studies.boundary import FILMS, REASONS

    rows, known = [], _published()
    for entry in entries:
        size = entry.size
        p = entry.boundary.verdict if size is None else significant(size.value, 6)
        band = "" if entry.band is None else " … ".join("–" if p is None else significant(p, 4) for p in entry.band)
        printed = known.get(entry.id)
        beside = "–" if printed is None else significant(printed, 4)
        rows.append((entry.name, entry.material, p, beside, *_size(size), band))
    span = f"p at h = {FILMS[0]:g} … {FILMS[1]:g}"
    heads = ("scheme", "magnet", f"p for |ε| ≤ {limit:g}", "published", "diameter", "mass", span)
    show_table(heads, rows, right=(2, 3, 4, 5))
    show(
        "",
        "what they depend on, and why published ones differ; a dash: not in the project's copy of the paper's results",
    )
    show_table(("scheme", ""), list({entry.name: REASONS[entry.scheme] for entry in entries}.items()))
