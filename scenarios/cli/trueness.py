"""``kibble-twin trueness``: whether the uncertainty that a campaign reports is true."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from scenarios.cli.arguments import Json, Settings, Source, Workers, experiment
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.terminal import show, show_json


def trueness(
    scenario: Source,
    settings: Settings = None,
    seeds: Annotated[int, typer.Option(min=2, help="How many seeds; those from 1 on are taken.")] = 100,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Run many seeds: is the reported uncertainty true?"""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from scenarios.cli.progress import counted
    from scenarios.run.measured import reports_mass
    from scenarios.studies.trueness import Trueness, scores

    chosen = experiment(scenario, settings)
    if not reports_mass(chosen.scenario):
        raise UsageError(f"{chosen.scenario.name}: its campaign reports no mass")
    chosen.check()
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=get_context("forkserver")) as executor:
        found = Trueness(tuple(counted(scores(chosen, range(1, seeds + 1), executor), seeds, "seed")))
    if as_json:
        rows = [{"seed": s.seed, "relative_error": s.error, "u_relative": s.u} for s in found.scores if s.u == s.u]
        show_json(
            {
                "scenario": chosen.scenario.name,
                "seeds": seeds,
                "refused": found.refused,
                "z_mean": found.mean,
                "z_standard_deviation": found.deviation,
                "runs": rows,
            }
        )
        return
    low, spread = found.u_mean, found.u_mean / 2**0.5
    show(f"{chosen.scenario.name}: {seeds} seeds, z = (m − m_true)/u")
    show(f"  mean of z               {found.mean:+.3f} ± {low:.3f}   (0 if nothing is biased)")
    show(f"  standard deviation of z  {found.deviation:.3f} ± {spread:.3f}   (1 if the uncertainty is true)")
    show(f"  refused                 {found.refused} of {seeds}")
