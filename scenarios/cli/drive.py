"""``kibble-twin drive``: which current makes the hinge of a balance move at constant velocity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Json, Settings, check_picture, experiment
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.terminal import show, show_json, show_table

if TYPE_CHECKING:
    from components.hinge import Hinge
    from scenarios.run.experiment import Experiment
    from scenarios.studies.drive import Flatness, Step, Task

_UNITS = {"velocity": "m/s", "limit": "A", "frequency": "Hz", "window": "s"}


def drive(
    scenario: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A scenario whose flexure is of type hinge.")
    ] = "kbmini_oscillating",
    settings: Settings = None,
    velocity: Annotated[str | None, typer.Option(help="Of the coil in the flat part: 0.3 mm/s.")] = None,
    limit: Annotated[str | None, typer.Option(help="Of the current: 0.6 mA.")] = None,
    frequency: Annotated[str | None, typer.Option(help="Of the motion: 1 Hz.")] = None,
    window: Annotated[str | None, typer.Option(help="In the middle of each half cycle: 300 ms.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw velocity and current: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Find the current that moves a hinge at constant velocity.

    Harmonics are added one by one; what is not given is the campaign's, or the hinge's own limit. Each step makes σ/v,
    the standard deviation of the speed in the windows, as small as it can be. The share of the cycle in which the speed
    is within 5 % of its mean is told beside it, not sought: it may fall as harmonics are added.
    """
    from scenarios.studies import drive as study

    chosen = experiment(scenario, settings)
    hinge = _hinge(chosen)
    oscillator = hinge.coupled(0)
    asked = {"velocity": velocity, "limit": limit, "frequency": frequency, "window": window}
    task = _task(chosen, hinge, asked)
    if plot is not None:
        check_picture(plot)
    found = study.steps(oscillator, task)
    printed = study.printed(oscillator, task)
    if plot is not None:
        from scenarios.studies.drive_picture import draw

        draw(found, task, plot)
    if as_json:
        show_json(_plain(chosen, hinge, task, found, printed))
    else:
        _show(chosen, hinge, task, found, printed)


def _hinge(chosen: Experiment) -> Hinge:
    """The hinge in its balance, whose coil acts back on it."""
    from components.hinge import Hinge

    found = chosen.check().twin.graph.components.get("flexure")
    if not isinstance(found, Hinge):
        raise UsageError(
            f"the flexure of {chosen.scenario.name} cannot be driven; give it 'type: hinge' with an oscillator, as "
            "kbmini_oscillating has it"
        )
    return found


def _task(chosen: Experiment, hinge: Hinge, asked: Mapping[str, str | None]) -> Task:
    """What is asked for; what is not, as the campaign has it."""
    from scenarios.studies.drive import Task
    from twin.parameter import to_si

    motion: Any = getattr(chosen.scenario.campaign, "velocity", None)
    known: dict[str, float] = {"limit": hinge.current_limit}
    for name in ("velocity", "frequency", "window"):
        if isinstance(value := getattr(motion, name, None), float):
            known[name] = value
    for name, text in asked.items():
        if text is not None:
            try:
                known[name] = to_si(text, _UNITS[name])
            except ValueError as error:
                raise UsageError(f"--{name}: {error}") from error
    try:
        return Task(**known)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _plain(chosen: Experiment, hinge: Hinge, task: Task, found: list[Step], printed: Flatness) -> dict[str, Any]:
    o = hinge.oscillator
    return {
        "scenario": chosen.scenario.name,
        "hinge": {name: getattr(o, name) for name in type(o).model_fields},
        "velocity_m_per_s": task.velocity,
        "current_limit_A": task.limit,
        "frequency_Hz": task.frequency,
        "window_s": task.window,
        "steps": [_step(step) for step in found],
        "result": _step(found[-1]),
        "printed_drive": {**_flatness(printed), "improvement": found[0].flatness.sigma / printed.sigma},
    }


def _step(step: Step) -> dict[str, Any]:
    harmonics = step.harmonics()
    return {
        "harmonics": list(step.motion.drive),
        "amplitudes_A": {str(n): a for n, (a, _) in harmonics.items()},
        "phases_rad": {str(n): p for n, (_, p) in harmonics.items()},
        **_flatness(step.flatness),
        "improvement": step.improvement,
        "at_current_limit": step.limited,
    }


def _flatness(found: Flatness) -> dict[str, float]:
    return {
        "velocity_m_per_s": found.velocity,
        "flat_fraction": found.fraction,
        "sigma_relative": found.sigma,
        "peak_current_A": found.peak,
    }


def _show(chosen: Experiment, hinge: Hinge, task: Task, found: list[Step], printed: Flatness) -> None:
    """The steps as a table for people, then the drive."""
    from scenarios.report.numbers import grouped

    o, sine = hinge.oscillator, found[0].flatness.sigma
    show(
        f"{chosen.scenario.name}: {task.velocity * 1e3:.4g} mm/s at {task.frequency:g} Hz, "
        f"at most {task.limit * 1e3:.4g} mA; f0 = {o.natural_frequency:g} Hz, ζ = {o.damping_ratio:g}"
    )

    def row(name: str, how: Flatness, note: str = "") -> tuple[str, ...]:
        sigma, share = f"{100 * how.sigma:.3g} %", f"{100 * how.fraction:.1f} %"
        return name, sigma, f"{sine / how.sigma:.3g}", share, f"{how.peak * 1e3:.3f} mA", note

    rows = [row(_added(step), step.flatness, "at the limit" if step.limited else "") for step in found]
    rows.append(row("drive of Li2026", printed, "beyond the limit" if printed.peak > 1.005 * task.limit else ""))
    show_table(("harmonics", "σ/v", "better by", "|Δv/v| < 5 %", "peak", ""), rows, right=(1, 2, 3, 4))
    show("")
    lines = [(f"{n}", f"{a * 1e3:.4f} mA", f"{grouped(f'{p:.3f}')} rad") for n, (a, p) in found[-1].harmonics().items()]
    show_table(("harmonic", "amplitude", "phase of the sine"), lines, right=(0, 1, 2))


def _added(step: Step) -> str:
    return ", ".join(str(n) for n in step.motion.drive)
