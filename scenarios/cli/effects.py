"""``kibble-twin effects``: every effect alone, what theory says of it, and what its correction leaves."""

from __future__ import annotations

from typing import Annotated

import typer

from scenarios.cli.arguments import Json, Settings, Source, experiment
from scenarios.cli.progress import counted
from scenarios.cli.terminal import show, show_json, show_table


def effects(
    scenario: Source = "kbmini_tmtp",
    settings: Settings = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")] = False,
    as_json: Json = False,
) -> None:
    """Switch on each effect alone in an otherwise ideal campaign: expected, found and corrected bias of the mass."""
    from scenarios.studies import effects as study
    from scenarios.studies.catalogue import EFFECTS

    ideal = experiment(scenario, None).ideal(["campaign.cycles=2", "thermal.start=ambient", *(settings or ())])
    rows = list(counted(study.table(ideal, EFFECTS), len(EFFECTS), "effect"))
    if as_json:
        keys = ("expected", "found", "left")
        show_json({"effects": [{"name": r.effect.name, **{k: getattr(r, k) for k in keys}} for r in rows]})
    elif markdown:
        show(study.markdown(rows).rstrip())
    else:
        table = [
            (r.effect.name, r.effect.formula, study.ppm(r.expected), study.ppm(r.found), study.left(r)) for r in rows
        ]
        show_table(("effect", "theory", "ε expected", "ε found", "corrected"), table, right=(2, 3, 4))
