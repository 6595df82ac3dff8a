"""``kibble-twin check``: is a scenario right?"""

from __future__ import annotations

from scenarios.cli.arguments import Settings, Source, experiment
from scenarios.cli.terminal import show


def check(scenario: Source, settings: Settings = None) -> None:
    """Check a scenario as a run would, without running it: keys, units, wiring, instruments, times."""
    from scenarios.run.notebook import duration
    from twin.times import NS

    chosen = experiment(scenario, settings)
    setup = chosen.check()
    graph, loops = setup.twin.graph, len(setup.twin.graph.groups())
    length = duration(sum(step.duration for step in setup.steps) / NS)
    parts = f"{len(graph.components)} components, {len(graph.wiring)} connections, {loops} loop{'' if loops == 1 else 's'}"
    show(f"ok: {chosen.scenario.name}: {parts}, {len(setup.steps)} steps, {length}")
