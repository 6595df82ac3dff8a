"""``kibble-twin check``: is a scenario right?"""

from __future__ import annotations

from scenarios.cli.arguments import Real, Settings, Source, as_settings, experiment
from scenarios.cli.terminal import note, show


def check(scenario: Source, settings: Settings = None, real: Real = None) -> None:
    """Check a scenario without running it.

    Keys, values, units, wiring, the instruments that the campaign needs, what the reduction needs; what may be real
    beside what, and nothing is connected.
    """
    from scenarios.run.followers import followers
    from scenarios.run.notebook import duration
    from twin.times import NS

    chosen = experiment(scenario, [*as_settings(real), *(settings or ())])
    setup = chosen.check()
    graph, steps = setup.twin.graph, setup.steps
    groups = len(graph.groups())
    loops = f"{groups} loop{'' if groups == 1 else 's'}"
    parts = f"{len(graph.components)} components, {len(graph.wiring)} connections, {loops}"
    length = duration(sum(step.duration for step in steps) / NS)
    for text in chosen.scenario.notes:
        note(f"note: {text}")
    for name in chosen.scenario.hardware:
        if getattr(graph.components[name], "fed", ()):
            note(f"note: what {name} reads drives {followers(setup.twin, name, chosen.scenario.hardware)}")
    show(f"ok: {chosen.scenario.name}: {parts}, {len(steps)} steps, {length}")
