"""``kibble-twin effects``: every effect alone, what theory says of it, and what its correction leaves."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from scenarios.cli.arguments import Json, Settings, Workers, experiment
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.progress import counted
from scenarios.cli.terminal import note, show, show_json, show_table
from twin.errors import TwinError

if TYPE_CHECKING:
    from concurrent.futures import Executor


class DisagreementError(TwinError):
    """Theory and campaign do not agree about an effect."""


def effects(
    scenario: Annotated[
        str, typer.Argument(metavar="[FILE|NAME]", help="The balance and its campaign, which is made short and ideal.")
    ] = "kbmini_tmtp",
    settings: Settings = None,
    workers: Workers = 0,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/effects.md instead.")] = False,
    as_json: Json = False,
) -> None:
    """Switch on each effect alone: does theory agree?

    In an otherwise ideal campaign: expected bias of the mass, found, and left by the correction.
    """
    from scenarios.run.measured import reports_mass
    from scenarios.studies import effects as study
    from scenarios.studies import effects_table as table
    from scenarios.studies.catalogue import EFFECTS

    given, chosen = list(settings or ()), experiment(scenario, None)
    if not reports_mass(chosen.scenario):
        raise UsageError(f"{chosen.scenario.name}: its campaign reports no mass")
    ideal = study.short(chosen, given)
    there = [effect for effect in EFFECTS if effect.lacks(ideal) is None]
    for effect in EFFECTS:
        if effect not in there:
            note(f"note: {effect.name} is left out, the balance has no {effect.lacks(ideal)!r}")
    with _processes(workers or os.cpu_count() or 1) as executor:
        rows = list(counted(study.table(ideal, there, executor), len(there), "effect"))
    grouped = table.groups(rows)
    if as_json:
        named = [{"group": title, **table.plain(row)} for title, own in grouped.items() for row in own]
        show_json({"scenario": ideal.scenario.name, "effects": named})
    elif markdown:
        words = ["" if scenario == "kbmini_tmtp" else f" {scenario}", *(f" --set {setting}" for setting in given)]
        show(table.markdown(rows, ideal.scenario.name, "".join(words)).rstrip())
    else:
        noises = [isinstance(row.effect, study.Noise) for row in rows]
        biases = [row for row, noise in zip(rows, noises, strict=True) if not noise]
        show_table(table.BIAS, map(table.cells, biases), right=(2, 3, 4))
        show("")
        show_table(table.NOISE, [table.cells(r) for r in rows if r not in biases], right=(2, 3))
    wrong = [row for row in rows if not row.ok]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise DisagreementError(f"{wrong[0].complaint}{more}")


def _processes(workers: int) -> AbstractContextManager[Executor | None]:
    """That many processes; none beside this one for one."""
    if workers == 1:
        return nullcontext()
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return ProcessPoolExecutor(workers, mp_context=get_context("forkserver"))
