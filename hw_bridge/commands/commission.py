"""``kibble-twin commission``: try real instruments, step by step, before a campaign relies on them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Settings, Source, as_settings, experiment
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.terminal import note, show, show_table

if TYPE_CHECKING:
    from hw_bridge.drivers.worker import Worker
    from twin.clock import Process

OUTCOME = {True: "ok", False: "NOT ok", None: "–"}


def commission(
    scenario: Source,
    settings: Settings = None,
    real: Annotated[
        list[str] | None,
        typer.Option(
            "--real", metavar="NAME=DRIVER@RESOURCE", help="A real instrument. May be repeated.", show_default=False
        ),
    ] = None,
    arm: Annotated[bool, typer.Option("--arm", help="Really switch outputs and move; without it only look.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before each step.")] = False,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="CURRENT",
            help="Working point, such as '3.5 mA'; by default half the limit, or half a meter's range.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the report there, as JSON.", show_default=False)
    ] = None,
) -> None:
    """Try real instruments with small signals, and write a report.

    They are identified, noise is compared with the twin's, limits, polarity and scale are checked, and the current is
    led to the working point in four steps, each with an operator's yes. A lock of the coil is opened before, a stage
    moves a little, a mass is exchanged, a servo takes over the load. In the end outputs are off, which is read back.
    """
    from hw_bridge.bridge import Bridge
    from hw_bridge.commission import Commissioning
    from hw_bridge.drivers.worker import Worker
    from scenarios.schema import locate
    from twin.errors import WiringError

    chosen = experiment(scenario, [*as_settings(real), *(settings or ())]).scenario
    if not chosen.hardware:
        raise UsageError("nothing here is real; give --real NAME=driver@resource, or hardware: in the file")
    current = None if to is None else _amperes(to)
    for name, hardware in chosen.hardware.items():
        most = hardware.limits.current
        if current is not None and most is not None and not abs(current) <= most:
            raise UsageError(f"--to: {current:g} A is beyond hardware.limits.current of {name}, {most:g} A")
    bridge = Bridge(chosen, arm=arm, tell=note)
    operator = Worker("the operator", bridge.clock)
    tried: Commissioning | None = None
    try:
        with bridge:
            tried = Commissioning(bridge, chosen, current, lambda what: _agreed(what, operator, yes))
            tried.run()
    except WiringError as error:
        raise locate(chosen, error) from error
    finally:
        findings = [] if tried is None else tried.table()
        rows = [(f["instrument"], f["what"], f["found"], f["expected"], OUTCOME[f["ok"]]) for f in findings]
        if rows:
            show_table(("instrument", "what", "found", "expected", ""), rows)
        if out is not None:
            report: dict[str, Any] = {"scenario": chosen.name, "findings": findings, **bridge.account()}
            out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        operator.stop(0.0)
    for name, found in bridge.safe.items():
        show(f"{name}: {found}")


def _agreed(what: str, operator: Worker, yes: bool) -> Process:
    """Ask the operator, while the simulation goes on."""
    if yes:
        return True
    note(f"next: {what}; go on? [y/N] ")
    answer = yield operator.do(sys.stdin.readline, 86400.0)
    return str(answer).strip().lower() in ("y", "yes")


def _amperes(text: str) -> float:
    from twin.parameter import to_si

    try:
        return to_si(text, "A")
    except ValueError as error:
        raise UsageError(f"--to: {error}") from None
