"""``kibble-twin run``: run a campaign and reduce what it recorded to a mass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import SOURCE_HELP, Json, Real, Settings, as_settings, check_arm, experiment
from scenarios.cli.exit_codes import ALARM, InterruptedRunError, UsageError
from scenarios.cli.summary import is_alarming, show_summary
from scenarios.cli.terminal import note, show_json
from twin.errors import TwinError

if TYPE_CHECKING:
    from scenarios.run.experiment import Experiment
    from scenarios.run.output import OutputFolder
    from scenarios.run.result import Result

Summary = dict[str, Any]

OptionalSource = Annotated[
    str | None,
    typer.Argument(metavar="FILE|NAME", help=SOURCE_HELP + " Not needed with --resume.", show_default=False),
]

Ideal = Annotated[
    bool,
    typer.Option(
        "--ideal",
        help="Turn every effect and all noise off, before --set: --ideal "
        "--set balance.magnet.temperature_coefficient=-1e-3 shows that effect alone.",
    ),
]

Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Keep the results there (result.json, run.nc, scenario.yaml, report.html, pictures) when the run is "
        "complete, and the run itself beside it meanwhile, so that it can be resumed.",
        show_default=False,
    ),
]

Arm = Annotated[
    bool,
    typer.Option("--arm", help="Really switch the outputs of real instruments; without it they are only checked."),
]

Shadow = Annotated[
    bool,
    typer.Option(
        "--shadow",
        help="Twins beside the run judge what is read: an alarm where a reading leaves the band that noise and "
        "certificates allow; a real one is then not recorded as good.",
    ),
]

Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        envvar="KIBBLE_TWIN_STORE",
        help="Keep the run in a database that a laboratory shares, postgresql://user@host/database, by a name of "
        "its own or as URL#NAME; see kibble-twin runs list URL.",
        show_default=False,
    ),
]

Resume = Annotated[
    str | None,
    typer.Option(
        "--resume",
        metavar="DIR|URL#NAME",
        help="Go on with an interrupted run that was to be kept there; no finished step runs again. One with real "
        "instruments connects again; say --arm if it was armed.",
        show_default=False,
    ),
]

WithReport = Annotated[
    bool,
    typer.Option("--report/--no-report", help="With --out, make the report too; kibble-twin report can do it later."),
]


def run(
    scenario: OptionalSource = None,
    settings: Settings = None,
    ideal: Ideal = False,
    out: Out = None,
    real: Real = None,
    arm: Arm = False,
    shadow: Shadow = False,
    store: Store = None,
    resume: Resume = None,
    with_report: WithReport = True,
    as_json: Json = False,
) -> None:
    """Run a campaign to a mass; in real time if any part is real.

    Exit code 0: done; 2: bad input; 3: the simulation or the reduction failed; 4: done, and the shadow has raised an
    alarm or could judge nothing; 130: interrupted.
    """
    if resume is not None:
        if out is not None:
            raise UsageError("give --resume or --out, not both: a resumed run stays in its folder")
        if scenario is None and (settings or ideal or real):
            raise UsageError("a resumed run keeps its own values: leave --set, --ideal and --real out")
        given = experiment(scenario, [*as_settings(real), *(settings or ())], ideal=ideal) if scenario else None
        summary = _resumed(resume, given, with_report=with_report, arm=arm, shadow=shadow)
    elif scenario is None:
        raise UsageError("give the file or the name of a scenario, or --resume DIR; see kibble-twin list")
    else:
        chosen = experiment(scenario, [*as_settings(real), *(settings or ())], ideal=ideal)
        check_arm(chosen, arm)
        if store is not None:
            from scenarios.cli import shared

            draw = _add_report if with_report else None
            summary = shared.run_anew(chosen, store, out, arm=arm, shadow=shadow, report=draw)
        elif out is None:
            summary = _simulate(chosen, arm=arm, shadow=shadow).summary()
        else:
            summary = _run_anew(chosen, out, with_report=with_report, arm=arm, shadow=shadow)
    if as_json:
        show_json(summary)
    else:
        show_summary(summary)
    if summary.get("shadow") and is_alarming(summary["shadow"]):
        raise typer.Exit(ALARM)


def _simulate(
    chosen: Experiment,
    folder: OutputFolder | None = None,
    *,
    resume: bool = False,
    arm: bool = False,
    shadow: bool = False,
) -> Result:
    """Run with a progress bar; step by step in the folder, if one is given."""
    from scenarios.cli.progress import Bar

    with Bar(chosen, resume=resume) as bar:
        if folder is None:
            return chosen.run(progress=bar, arm=arm, shadow=shadow, tell=note)
        resume = resume and folder.has_checkpoint
        return chosen.run(store=folder.partial, resume=resume, progress=bar, arm=arm, shadow=shadow, tell=note)


def _run_anew(chosen: Experiment, out: Path, *, with_report: bool, arm: bool = False, shadow: bool = False) -> Summary:
    """Run from the beginning and keep the results in `out`."""
    from scenarios.run.output import OutputFolder

    folder = OutputFolder(out)
    folder.check()
    chosen.check()
    with folder.claimed():
        if folder.is_under_way:
            _keep_what_is_real(folder)
            note(f"note: discards the unfinished run of {out}; run --resume {_quoted(out)} would have continued it")
        folder.begin(chosen.scenario.to_yaml())
        try:
            return _finished(chosen, folder, resume=False, with_report=with_report, arm=arm, shadow=shadow)
        except InterruptedRunError:
            raise
        except Exception:
            folder.forget_unbegun()
            raise


def _keep_what_is_real(folder: OutputFolder) -> None:
    """Refuse to discard readings of real instruments: nobody can take them again.

    Raises
    ------
    OutputError
        Saying where they are.
    """
    from scenarios.run.experiment import load
    from scenarios.run.output import OutputError
    from twin.store import RunStore

    if not load(folder.scenario_file).scenario.hardware:
        return
    with RunStore(folder.partial) as store:
        readings = len(store.blocks("readings")) if store.exists else 0
    if readings:
        raise OutputError(
            f"{folder.partial} has {readings} blocks of readings of an unfinished run with real instruments; run "
            f"--resume {_quoted(folder.path)} goes on with it, or move it away, or give another --out"
        )


def _resumed(
    place: str, given: Experiment | None, *, with_report: bool, arm: bool = False, shadow: bool = False
) -> Summary:
    """Go on with a run, wherever it is kept."""
    from scenarios.run.shared import is_url

    if not is_url(place):
        return _resume(Path(place), given, with_report=with_report, arm=arm, shadow=shadow)
    from scenarios.cli import shared

    return shared.resume(place, given, arm=arm, shadow=shadow)


def _resume(
    path: Path, given: Experiment | None, *, with_report: bool, arm: bool = False, shadow: bool = False
) -> Summary:
    """Go on with the run that is under way in a folder, or show its result if it had finished."""
    from scenarios.run.experiment import load
    from scenarios.run.output import SCENARIO, SUMMARY, OutputError, OutputFolder

    folder = OutputFolder(path)
    if not folder.is_under_way:
        if not folder.is_finished:
            raise OutputError(f"{path}: there is no run to resume; start one with --out {_quoted(path)}")
        if given is not None and given.scenario != load(folder.target / SCENARIO).scenario:
            raise OutputError(f"{path}: the run there is of another scenario; leave the scenario out to see its result")
        note(f"note: the run in {path} had finished; this is its result")
        summary: Summary = json.loads((folder.target / SUMMARY).read_text(encoding="utf-8"))
        return {**summary, "steps_resumed": summary["steps_total"], "steps_run": 0}
    folder.check(anew=False)
    with folder.claimed():
        chosen = load(folder.scenario_file)
        check_arm(chosen, arm)
        if given is not None and given.scenario != chosen.scenario:
            raise OutputError(f"{path}: the run there is of another scenario; leave the scenario out to go on with it")
        return _finished(chosen, folder, resume=True, with_report=with_report, arm=arm, shadow=shadow)


def _finished(
    chosen: Experiment,
    folder: OutputFolder,
    *,
    resume: bool,
    with_report: bool,
    arm: bool = False,
    shadow: bool = False,
) -> Summary:
    """Run to the end and put the results in place, then their report.

    Raises
    ------
    InterruptedRunError
        Saying how to go on.
    """
    from scenarios.run.export import write_run
    from scenarios.run.output import BLOCKS, SCENARIO, SUMMARY

    how = f"kibble-twin run --resume {_quoted(folder.path)}{' --arm' if arm else ''}"
    try:
        result = _simulate(chosen, folder, resume=resume, arm=arm, shadow=shadow)
        summary = result.summary()

        def write(target: Path) -> None:
            (target / SUMMARY).write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")
            (target / SCENARIO).write_text(chosen.scenario.to_yaml(), encoding="utf-8")
            write_run(result, target / BLOCKS)

        folder.finish(write)
    except KeyboardInterrupt:
        raise InterruptedRunError(f"interrupted; go on with: {how}") from None
    except TwinError:
        if chosen.scenario.hardware and folder.is_under_way and folder.has_checkpoint:  # a cable, a mass, a limit
            note(f"note: what was measured is kept; go on with: {how}")
        raise
    if with_report:
        _add_report(result, folder)
    return summary


def _add_report(result: Result, folder: OutputFolder) -> None:
    """Make the report; whatever happens to it, the results are in place."""
    later = f"kibble-twin report {_quoted(folder.path)}"
    try:
        from scenarios.cli.progress import busy
        from scenarios.report import add_report
        from scenarios.run.reopen import Origin

        with busy("drawing the report"):
            add_report(result, Origin.of(result), folder)
    except KeyboardInterrupt:
        raise InterruptedRunError(f"interrupted; the results are complete, for their report: {later}") from None
    except Exception as error:  # the report may fail in any way, and the results are worth more than it
        note(f"warning: no report: {type(error).__name__}: {error}; the results are complete, to try again: {later}")


def _quoted(path: Path) -> str:
    from shlex import quote

    return quote(str(path))
