"""``kibble-twin plan``: what a campaign does and how long it takes, before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Json, Settings, Source, experiment
from scenarios.cli.terminal import note, show, show_json, show_table

if TYPE_CHECKING:
    from twin.steps import Step


def plan(
    scenario: Source,
    settings: Settings = None,
    every: Annotated[bool, typer.Option("--all", help="List every step, not only the phases of each cycle.")] = False,
    as_json: Json = False,
) -> None:
    """Show the steps of a campaign and how long it takes."""
    from scenarios.run.notebook import duration

    chosen = experiment(scenario, settings)
    steps = chosen.plan()
    total = seconds(sum(step.duration for step in steps))
    if as_json:
        name, campaign = chosen.scenario.name, chosen.scenario.campaign_type
        told = {"scenario": name, "campaign": campaign, "duration_s": total, "steps": _numbered(steps)}
        show_json({**told, "notes": list(chosen.scenario.notes)})
        return
    for text in chosen.scenario.notes:
        note(f"note: {text}")
    show(f"{chosen.scenario.name}: {len(steps)} steps, {total / 3600:.4g} h of virtual time")
    if every:
        rows = ((str(s["number"]), clock(s["start_s"]), duration(s["duration_s"]), s["name"]) for s in _numbered(steps))
        show_table(("step", "start", "duration", ""), rows, right=(0, 1, 2))
    else:
        show_table(("cycle", "start", "phase", "steps", "each", "in all"), _folded(steps), right=(1, 3, 4, 5))


def _numbered(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The steps with their numbers, starts and durations."""
    found, start = [], 0
    for number, step in enumerate(steps, start=1):
        times = {"start_s": seconds(start), "duration_s": seconds(step.duration)}
        found.append({"number": number, "name": step.name, "phase": step.phase, "cycle": step.cycle, **times})
        start += step.duration
    return found


def _folded(steps: Sequence[Step]) -> list[tuple[str, ...]]:
    """A row for each phase of a cycle; cycles that are the same follow each other in one."""
    from scenarios.run.notebook import duration

    cycles = [(cycle, list(found)) for cycle, found in groupby(steps, key=lambda step: step.cycle)]
    rows: list[tuple[str, ...]] = []
    start = 0
    for phases, same in groupby(cycles, key=lambda item: [(step.phase, step.duration) for step in item[1]]):
        repeated = list(same)
        first, last = repeated[0][0] + 1, repeated[-1][0] + 1
        label, at = f"{first}" if first == last else f"{first} to {last}", start
        for (phase, length), run in groupby(phases):
            number = len(list(run))
            each = duration(seconds(length))
            rows.append(
                (label, clock(seconds(at)), phase or "-", str(number), each, duration(seconds(number * length)))
            )
            label, at = "", at + number * length
        start += len(repeated) * (at - start)
    return rows


def seconds(nanoseconds: int) -> float:
    """Nanoseconds as seconds."""
    return nanoseconds / 1e9


def clock(time: float) -> str:
    """A time of the campaign (s) as hours, minutes and seconds.

    >>> clock(5400)
    '1:30:00'
    """
    whole = round(time)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
