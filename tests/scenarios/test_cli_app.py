"""The program itself: help without delay, commands from outside, exit codes, messages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer

from scenarios.cli import app as app_module
from scenarios.cli.app import main
from twin import plugins
from twin.errors import CheckpointError, ComponentError, SimulationError, WiringError

ROOT = Path(__file__).parents[2]
PROGRAM = "import sys; from scenarios.cli.app import main; code = main()"


def program(*arguments: str, code: str = PROGRAM, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment}
    command = [sys.executable, "-c", f"{code}; sys.exit(code)", *arguments]
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False, encoding="utf-8")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Makes a command known: by default one called ``odd``."""
    registered = plugins._registered

    def add(value: object, name: str = "odd") -> None:
        monkeypatch.setitem(sys.modules, "odd_lab", type(sys)("odd_lab"))
        sys.modules["odd_lab"].__dict__["made"] = value
        point = EntryPoint(name, "odd_lab:made" if value is not None else "no_such_module:made", plugins.COMMANDS)
        real = registered.__wrapped__(plugins.COMMANDS)
        monkeypatch.setattr(
            plugins, "_registered", lambda group: (*real, point) if group == plugins.COMMANDS else registered(group)
        )
        plugins._load.cache_clear()

    yield add
    plugins._load.cache_clear()


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["list", "--help"], ["--version"], ["rnu"]])
def test_answers_without_the_heavy_libraries(arguments: list[str]) -> None:
    """Help imports nothing that takes long (typer itself takes pydantic along); that is what makes it fast."""
    heavy = "{'components', 'networkx', 'numpy', 'pint', 'ruamel', 'scipy', 'simpy', 'xarray'}"
    code = f"{PROGRAM}; print('HEAVY', *sorted({heavy} & set(sys.modules)))"
    done = program(*arguments, code=code)
    assert done.stdout.splitlines()[-1].strip() == "HEAVY"
    assert done.returncode == (2 if arguments == ["rnu"] else 0)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with a sentence that fits."""
    for arguments in ([], ["--help"], ["-h"]):
        assert main(arguments) == 0
        found = capsys.readouterr()
        lines = found.out.splitlines()
        listed = lines[lines.index("Commands:") + 1 :]
        assert {line.split()[0] for line in listed if line.strip()} >= {
            "check",
            "graph",
            "list",
            "plan",
            "run",
            "schema",
        }
        assert found.err == "" and not any("..." in line for line in listed)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Name and number."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("kibble-twin 0.")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["rnu"], "error: unknown command 'rnu'; did you mean 'run'?"),
        (["run"], "error: give the file or the name of a scenario, or --resume DIR; see kibble-twin list"),
        (["run", "kbmini_tmtp", "--sett", "x=1"], "No such option: --sett"),
        (["check"], "see kibble-twin check --help"),
        (["graph", "kbmini_tmtp", "--format", "png"], "'png' is not one of 'mermaid', 'dot', 'svg'"),
        (["run", "kbmini_tmtp", "--set", "x"], "error: --set: expected key.path=value, not 'x'"),
        (["run", "kbmini_tmtp", "--set", "balance.scale=-1"], "error: --set balance.scale: must be greater than 0"),
        (["run", "--resume", "x", "--out", "y"], "error: give --resume or --out, not both"),
        (["run", "--resume", "x", "--ideal"], "error: a resumed run keeps its own values"),
    ],
)
def test_usage(capsys: pytest.CaptureFixture[str], arguments: list[str], text: str) -> None:
    """A mistake on the command line is one line, and exit code 2."""
    assert main(arguments) == 2
    found = capsys.readouterr()
    assert text in found.err and found.err.count("\n") == 1 and found.out == ""


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (SimulationError("no\nconvergence"), 3, "error: no convergence"),
        (ComponentError("odd matrix"), 3, "error: odd matrix"),
        (WiringError("loose end"), 2, "error: loose end"),
        (CheckpointError("of another"), 2, "error: of another"),
        (PermissionError(13, "Permission denied", "/x"), 2, "error: /x: permission denied"),
        (KeyboardInterrupt(), 130, "error: interrupted"),
        (ZeroDivisionError("by zero"), 3, "error: internal error: ZeroDivisionError: by zero; run again with --debug"),
    ],
)
def test_exit_codes(
    capsys: pytest.CaptureFixture[str], command: Callable[..., None], error: BaseException, code: int, text: str
) -> None:
    """Who has to act, told by the exit code; where it comes from, only with ``--debug``."""

    def odd() -> None:
        """Fail."""
        raise error

    command(odd)
    assert main(["odd"]) == code
    found = capsys.readouterr()
    assert found.err.startswith(text) and found.err.count("\n") == 1
    if not isinstance(error, KeyboardInterrupt):
        for arguments in (["--debug", "odd"], ["odd", "--debug"]):
            assert main(arguments) == code
            assert "Traceback" in capsys.readouterr().err


def test_commands_of_a_laboratory(capsys: pytest.CaptureFixture[str], command: Callable[..., None]) -> None:
    """A function, or a `typer.Typer` with commands of its own."""

    def odd(count: int = 1) -> None:
        """Count to a number."""
        typer.echo(f"counted {count}")

    command(odd)
    assert main(["odd", "--count", "3"]) == 0
    assert capsys.readouterr().out == "counted 3\n"
    several = typer.Typer()
    several.command("one")(odd)
    several.command("two")(odd)
    command(several, "pair")
    assert main(["pair", "two"]) == 0
    assert capsys.readouterr().out == "counted 1\n"


@pytest.mark.parametrize("broken", [None, 7])
def test_a_broken_command_does_not_break_the_others(
    capsys: pytest.CaptureFixture[str], command: Callable[..., None], broken: object
) -> None:
    """One warning in the list of commands, an error when it is called, nothing elsewhere."""
    command(broken)
    assert main(["--help"]) == 0
    found = capsys.readouterr()
    assert "schema" in found.out and " odd " not in found.out
    assert found.err.startswith("warning: command 'odd'") and found.err.count("\n") == 1
    assert main(["odd"]) == 2
    assert capsys.readouterr().err.startswith("error: command 'odd'")
    assert main(["list", "--help"]) == 0
    assert capsys.readouterr().err == ""


def test_reader_that_has_seen_enough() -> None:
    """A pipe that closes is no error."""
    command = f"{sys.executable} -c '{PROGRAM}; sys.exit(code)' schema | head -1; echo ${{PIPESTATUS[0]}}"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", command], env=env, text=True, capture_output=True, check=False)
    assert (done.stdout, done.stderr) == ("{\n0\n", "")


def test_terminal_that_cannot_show_a_letter() -> None:
    """Is no error either."""
    done = program("list", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "KBmini" in done.stdout


def test_ctrl_c_once_more_is_no_traceback(
    command: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the last line is being printed, which imports what is slow."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    command(interrupted)
    monkeypatch.setattr(app_module, "error_line", lambda text: interrupted())
    assert main(["odd"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
