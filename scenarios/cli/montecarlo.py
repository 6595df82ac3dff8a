"""``kibble-twin montecarlo``: the distribution of the reported mass, with its coverage interval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Json, Settings, Source, Workers, check_picture, experiment
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.progress import rated
from scenarios.cli.terminal import show, show_json

if TYPE_CHECKING:
    from scenarios.studies.montecarlo import Distribution


def montecarlo(
    scenario: Source,
    trials: Annotated[int, typer.Option("-n", "--trials", min=2, help="Campaigns, with seeds from 1 on.")] = 200,
    coverage: Annotated[float, typer.Option(help="Probability of the interval, between 0 and 1.")] = 0.95,
    settings: Settings = None,
    workers: Workers = 0,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the distribution: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Run many seeds: how is the reported mass distributed?

    By JCGM 101 (GUM-S1), beside what the reported uncertainty says.
    """
    from scenarios.run.measured import reports_mass
    from scenarios.studies.executors import cores, processes
    from scenarios.studies.montecarlo import Distribution, draw
    from scenarios.studies.trueness import scores

    if not 0 < coverage < 1:
        raise UsageError(f"--coverage: expected a number between 0 and 1, not {coverage:g}")
    if trials * (1.0 - coverage) < 1.0:
        raise UsageError(f"-n: an interval of {coverage:g} needs {1.0 / (1.0 - coverage):.0f} trials, not {trials}")
    if plot is not None:
        check_picture(plot)
    chosen = experiment(scenario, settings)
    if not reports_mass(chosen.scenario):
        raise UsageError(f"{chosen.scenario.name}: its campaign reports no mass")
    chosen.check()
    seeds = range(1, trials + 1)
    count = min(workers or cores(), trials)
    if count == 1:
        made = list(rated(scores(chosen, seeds), trials, "trial"))
    else:
        with processes(count) as executor:
            made = list(rated(scores(chosen, seeds, executor), trials, "trial"))
    try:
        found = Distribution.of(made, coverage)
    except ValueError as error:
        raise UsageError(f"{chosen.scenario.name}: {error}") from error
    if plot is not None:
        draw(found, plot)
    if as_json:
        show_json({"scenario": chosen.scenario.name, **_plain(found)})
    else:
        _show(chosen.scenario.name, found)


def _plain(found: Distribution) -> dict[str, Any]:
    return {
        "trials": found.count + found.refused,
        "refused": found.refused,
        "mean_error": found.mean,
        "u": found.u,
        "u_of_u": found.u_of_u,
        "coverage": found.coverage,
        "interval": list(found.symmetric),
        "shortest_interval": list(found.shortest),
        "u_of_interval_ends": found.u_of_ends,
        "gum_u": found.gum_u,
        "gum_interval": list(found.gum),
        "tolerance": found.tolerance,
        "differences": list(found.differences),
        "validated": found.validated,
    }


def _show(name: str, found: Distribution) -> None:
    from scenarios.report.numbers import plus_minus, relative_scale, significant

    scale = relative_scale([found.u])

    def ends(pair: tuple[float, float]) -> str:
        return " … ".join(significant(end * scale.factor, 3) for end in pair) + f" {scale.unit}"

    refused = f", {found.refused} more refused" if found.refused else ""
    show(f"{name}: {found.count} trials{refused}; relative errors of the mass")
    mean_u = found.u / found.count**0.5
    show(f"  mean                      {plus_minus(found.mean * scale.factor, mean_u * scale.factor, scale.unit)}")
    show(f"  standard uncertainty      {plus_minus(found.u * scale.factor, found.u_of_u * scale.factor, scale.unit)}")
    show(f"    as reported (GUM)       {significant(found.gum_u * scale.factor, 3)} {scale.unit}")
    show(f"  {100 * found.coverage:g} % interval             {ends(found.symmetric)}")
    show(f"    the shortest            {ends(found.shortest)}")
    show(f"    as reported (GUM)       {ends(found.gum)}")
    worst, delta = (x * scale.factor for x in (max(found.differences), found.tolerance))
    verdict = {
        True: "the GUM's interval holds",
        False: "the GUM's interval does not hold",
        None: "too few trials to tell",
    }
    text = f"ends differ by {significant(worst, 2)}, δ = {significant(delta, 2)} {scale.unit}"
    show(f"  JCGM 101, 8.1             {verdict[found.validated]}: {text}")
