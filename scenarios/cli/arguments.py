"""Arguments that several commands share, and the experiment they describe."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenarios.cli.exit_codes import UsageError
from scenarios.cli.terminal import note

if TYPE_CHECKING:
    from scenarios.run.experiment import Experiment

SOURCE_HELP = "A scenario file, or the name of a shipped scenario (see kibble-twin list)."
Source = Annotated[str, typer.Argument(metavar="FILE|NAME", help=SOURCE_HELP, show_default=False)]

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY.PATH=VALUE",
        help="Set a value over the file, such as balance.scale=0.5 or balance.test_mass.mass='100 g'. May be repeated.",
        show_default=False,
    ),
]

Real = Annotated[
    list[str] | None,
    typer.Option(
        "--real",
        metavar="NAME=DRIVER@RESOURCE",
        help="A real instrument in the place of a component; the run is then in real time. May be repeated.",
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]

Workers = Annotated[int, typer.Option(min=0, help="Processes side by side; 0: one for each core.")]

Cluster = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A Dask scheduler instead, such as tcp://127.0.0.1:8786.", show_default=False),
]

Points = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE.nc",
        help="Keep the points there (netCDF), and each beside it meanwhile.",
        show_default=False,
    ),
]

ResumePoints = Annotated[bool, typer.Option("--resume", help="Compute only what --out does not hold yet.")]

ManyPoints = Annotated[bool, typer.Option("--yes", help="Allow more than 10 000 points.")]


def experiment(source: str, settings: Sequence[str] | None, *, ideal: bool = False) -> Experiment:
    """The experiment that a command line describes; ideal first, then the settings.

    Raises
    ------
    ScenarioError
        If the scenario cannot be read or is not valid.
    """
    from scenarios.run.experiment import load

    given = list(settings or ())
    loaded = load(source, given)
    chosen = loaded.ideal(given) if ideal else loaded
    for name in chosen.late_faults():
        note(f"note: faults.{name} begins after the end of the campaign: nothing comes of it")
    return chosen


def as_settings(real: Sequence[str] | None) -> list[str]:
    """Real instruments ``NAME=driver@resource`` as settings, which others may add to.

    Raises
    ------
    UsageError
        If one cannot be read.
    """
    from scenarios.schema.overrides import Setting

    found = dict[str, str]()
    for text in real or ():
        name, _, rest = text.partition("=")
        driver, _, resource = rest.partition("@")
        if not name.isidentifier() or not driver:
            raise UsageError(f"--real: expected NAME=driver@resource, or NAME=artefact, not {text!r}")
        if name in found:
            raise UsageError(f"--real: {name} is given twice")
        told = f"balance.{name}.hardware={json.dumps({'driver': driver, 'resource': resource})}"
        found[name] = Setting(told, f"--real {name}")
    return list(found.values())


def check_arm(chosen: Experiment, arm: bool) -> None:
    """Refuse to arm what is simulated.

    Raises
    ------
    UsageError
        If nothing is real.
    """
    if arm and not chosen.scenario.hardware:
        raise UsageError("--arm: nothing here is real; give --real NAME=driver@resource, or hardware: in the file")


def check_picture(path: Path) -> None:
    """Refuse a picture that cannot be saved, before anything is computed for it.

    Raises
    ------
    UsageError
        If matplotlib does not know the format that the suffix stands for, or the file cannot be written.
    """
    from components.fields.picture import check_format

    try:
        check_format(path)
    except ValueError as error:
        raise UsageError(f"--plot: {error}") from error
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--plot: {path}: cannot be written there")
