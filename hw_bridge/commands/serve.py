"""``kibble-twin serve``: the instruments of a balance on the wire, for a laboratory's own program."""

from __future__ import annotations

import json
import math
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Settings, Source, experiment
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.terminal import note, show, show_table

if TYPE_CHECKING:
    from hw_bridge.served import ServedTwin
    from hw_bridge.server import WireServer
    from twin.real_time import RealTimeClock


AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, on the first line, that lists every instrument.")
]

Scale = Annotated[
    str,
    typer.Option(
        "--scale",
        metavar="real|N|step",
        help="How time passes: with the clock on the wall, N times as fast, or only while a client waits for a "
        "reading.",
    ),
]

Bind = Annotated[
    str, typer.Option("--bind", metavar="HOST", help="Address to listen at. Any but this machine needs --token.")
]

Port = Annotated[
    int, typer.Option("--port", metavar="PORT", min=0, max=65000, help="The first port; 0: any that are free.")
]

Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        envvar="KIBBLE_TWIN_TOKEN",
        help="What clients have to know: as inst0@TOKEN (VXI-11) or hislip0@TOKEN; raw sockets, Prologix and EPICS "
        "cannot carry it.",
        show_default=False,
    ),
]

Referenced = Annotated[
    bool,
    typer.Option("--referenced", help="All axes have been referenced, as by an operator; else FRF comes first."),
]

Client = Annotated[
    Path | None,
    typer.Option(
        "--client",
        metavar="FILE.yaml",
        help="Write a scenario there whose parts are these instruments, for kibble-twin run FILE.yaml --arm.",
        show_default=False,
    ),
]

Epics = Annotated[
    bool | None,
    typer.Option(
        "--epics/--no-epics",
        help="Process variables by EPICS Channel Access, or none; by default if the extra epics is installed.",
        show_default=False,
    ),
]


def serve(
    scenario: Source,
    settings: Settings = None,
    ideal: Annotated[bool, typer.Option("--ideal", help="Turn every effect and all noise off, before --set.")] = False,
    as_json: AsJson = False,
    scale: Scale = "real",
    bind: Bind = "127.0.0.1",
    port: Port = 0,
    token: Token = None,
    referenced: Referenced = False,
    client: Client = None,
    epics: Epics = None,
) -> None:
    """Put the instruments of a balance on the wire.

    No campaign runs. Each current source is a Keithley 6221, each voltmeter a 3458A, what moves the coil or the mass a
    PI controller; servo, interferometer, sensors and scanners speak SCPI. With --client, kibble-twin run in another
    process weighs with them. Runs until it is interrupted; exit code 0 after SIGTERM, 130 after Ctrl-C.
    """
    from hw_bridge.errors import BridgeError
    from hw_bridge.served import ServedTwin
    from hw_bridge.server import WireServer
    from twin.real_time import RealTimeClock

    _refuse_strangers(bind, token)
    speed = _scale(scale)
    if client is not None and speed != 1.0:
        raise UsageError("--client: a run with real instruments is in real time: leave --scale out")
    clock = RealTimeClock(speed)
    chosen = experiment(scenario, settings, ideal=ideal)
    served = ServedTwin(chosen.scenario, clock, referenced=referenced)
    with ExitStack() as stack:
        received = stack.enter_context(_until_signalled(clock))
        try:
            server = stack.enter_context(WireServer(served, bind, port, token, epics))
            instruments = server.start()
        except BridgeError as error:  # an address that is none of this machine, a port that is taken, no caproto
            raise UsageError(str(error)) from None
        if client is not None:
            _write_client(client, scenario, served, instruments)
        for kind in server.open_to_all():
            note(f"warning: {kind} cannot carry a token: whoever reaches {bind} commands the instruments through it")
        _announce(chosen.scenario.name, scale, instruments, server, token, as_json=as_json)
        clock.run_until_stopped()
    if clock.scale is not None:
        _tell_lag(clock)
    if signal.SIGINT in received:
        raise KeyboardInterrupt


def _refuse_strangers(bind: str, token: str | None) -> None:
    """See that other machines need a token, and that it fits where it goes."""
    from hw_bridge.server import is_loopback

    if not is_loopback(bind) and not token:
        raise UsageError(f"--bind {bind} lets other machines in: give a --token that their programs have to know")
    if token is not None and not (token.isascii() and token.isalnum()):
        raise UsageError("--token: expected letters and digits only, as it becomes a part of VISA resource names")


def _tell_lag(clock: RealTimeClock) -> None:
    """How late events were."""
    lag = clock.lag.summary()
    note(
        f"note: {clock.seconds:.6g} s served; events were late by {lag['mean_s'] * 1e3:.3g} ms on average, "
        f"{lag['p99_s'] * 1e3:.3g} ms at most in 99 %, {lag['worst_s'] * 1e3:.3g} ms at worst, "
        f"{lag['overruns']} of {lag['events']} by more than {lag['tolerance_s'] * 1e3:.3g} ms"
    )


def _write_client(path: Path, source: str, served: ServedTwin, instruments: list[dict[str, Any]]) -> None:
    """The scenario for `run`."""
    from hw_bridge.client import client_scenario

    try:
        path.write_text(client_scenario(source, served, instruments), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--client: {path}: {error.strerror or error}") from None


def _hints(instruments: list[dict[str, Any]], token: str | None) -> Iterator[str]:
    """What else a client needs, beside the resource."""
    ways = {row["transport"]: row for row in instruments}
    if "prologix" in ways:
        yield f"prologix: open {ways['prologix']['interface']} first"
    if "epics" in ways:
        yield f"epics: export EPICS_CA_ADDR_LIST={ways['epics']['ca_addr_list']} EPICS_CA_AUTO_ADDR_LIST=NO"
    if token is not None:
        yield "token: clients add it to the device, as hislip0@TOKEN and inst0@TOKEN"


def _announce(
    name: str,
    scale: str,
    instruments: list[dict[str, Any]],
    server: WireServer,
    token: str | None,
    *,
    as_json: bool,
) -> None:
    if as_json:
        told = {"scenario": name, "scale": scale, "instruments": instruments, "without_token": server.open_to_all()}
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        show(f"{name}: {len({row['name'] for row in instruments})} instruments")
        rows = [(row["name"], row["model"], row["transport"], row["address"]) for row in instruments]
        show_table(("instrument", "model", "transport", "VISA resource"), rows)
        for line in _hints(instruments, token):
            show(line)
    sys.stdout.flush()


@contextmanager
def _until_signalled(clock: RealTimeClock) -> Iterator[list[int]]:
    """Inside, SIGINT and SIGTERM stop the clock; gives those that have come."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        clock.inbox.put(clock.stop)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _scale(text: str) -> float | None:
    """The time scale that is meant; None for stepped."""
    if text == "step":
        return None
    try:
        scale = 1.0 if text == "real" else float(text.removesuffix("x").removesuffix("×"))
    except ValueError:
        scale = math.nan
    if not (math.isfinite(scale) and 1e-3 <= scale <= 1e6):
        raise UsageError(f"--scale: expected real, step, or a number from 0.001 to 1e6, not {text!r}")
    return scale
