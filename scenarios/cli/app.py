"""``kibble-twin``: finds the commands by entry point, runs one, and says in one line what went wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from scenarios.cli.exit_codes import BAD_INPUT, DONE, FAILED, INTERRUPTED, exit_code
from scenarios.cli.terminal import error_line, note
from twin import plugins
from twin.errors import TwinError

_NAMES = {"help_option_names": ["-h", "--help"]}


class Commands(TyperGroup):
    """The commands that are installed, each imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands that can be imported; a warning for each that cannot."""
        usable = []
        for name in plugins.names(plugins.COMMANDS):
            try:
                _command(name)
                usable.append(name)
            except plugins.PluginError as error:
                note(f"warning: {error}")
        return usable

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name.

        Raises
        ------
        twin.plugins.PluginError
            If there is none, naming the nearest, or it cannot be imported.
        """
        return _command(cmd_name)


def _command(name: str) -> Any:
    """A command, made from the function or the `typer.Typer` that is registered under its name."""
    found = plugins.load(plugins.COMMANDS, name)
    try:
        if not isinstance(found, typer.Typer):
            application = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=_NAMES)
            application.command(name=name)(found)
            found = application
        command = typer.main.get_command(found)
    except Exception as error:  # the function may come from anywhere and have any signature
        raise plugins.PluginError(f"command {name!r} is no command: {error}", plugins.COMMANDS, name) from error
    command.name = name
    return command


app = typer.Typer(cls=Commands, rich_markup_mode=None, add_completion=False, context_settings=_NAMES)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error comes from; also after the command.")
    ] = False,
) -> None:
    """A digital twin for Kibble balances: simulate a measurement campaign, reduce its readings to a mass.

    kibble-twin list shows what can be run, kibble-twin run kbmini_tmtp runs it.
    """
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"kibble-twin {installed('kibble-twin')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    arguments : without the name of the program; by default those it was called with.

    Returns
    -------
    int
        The exit code: 0 done, 2 bad input, 3 the simulation or the reduction failed, 4 done with an alarm of the
        shadow, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for library in ("OPENBLAS", "MKL", "OMP"):  # our matrices are small: threads would only wait for each other
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    debug = "--debug" in words  # anywhere, which a parser of commands and their options does not offer
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # what a terminal cannot show does not stop a run
    try:
        command = typer.main.get_command(app)
        code = command.main([w for w in words if w != "--debug"], prog_name="kibble-twin", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        text, code = _explained(error)
        _last_word(text)
        return code
    if code == INTERRUPTED:  # typer's own answer to Ctrl-C
        _last_word("interrupted")
    return code if isinstance(code, int) else DONE


def _last_word(text: str) -> None:
    """What went wrong, on one line, also to somebody who presses Ctrl-C once more."""
    try:
        error_line(text)
    except KeyboardInterrupt:
        note(f"error: {text}")


def _explained(error: BaseException) -> tuple[str, int]:
    """What to say about an error, and the exit code."""
    if isinstance(error, TwinError):
        return str(error), exit_code(error)
    if isinstance(error, typer.TyperException):
        text = error.format_message().rstrip(".").replace("Value error, ", "")
        return f"{text}; see {_usage(error)} --help", BAD_INPUT
    if isinstance(error, OSError):
        return f"{error.filename or 'input or output'}: {(error.strerror or str(error)).lower()}", BAD_INPUT
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "interrupted", INTERRUPTED
    return f"internal error: {type(error).__name__}: {error}; run again with --debug and report it", FAILED


def _usage(error: typer.TyperException) -> str:
    """The command that a usage error is about."""
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "kibble-twin"
