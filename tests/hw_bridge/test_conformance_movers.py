"""What a switch box and a mass exchanger promise: simulated, our driver over a socket, hardware on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from components.mass_exchanger import MassExchanger
from components.roles import MassExchanger as ExchangerRole
from components.roles import SwitchBox as BoxRole
from components.switch_box import SwitchBox
from hw_bridge.drivers.driver import Driver
from hw_bridge.errors import BridgeError, SafetyError
from tests.components.bench import bench as alone
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.standin_daq import Card
from tests.hw_bridge.subjects import bench, driver, named, opened
from tests.hw_bridge.wired import Wired
from twin.times import NS

WAYS = ["simulated", "driver", "hardware"]
LINES = {"lines": "port0/line0:3", "readback": "port1/line0:3", "settle": 0.0}
DIGITAL = {"open": "0000", "close +0 +0 00": "0011", "close +- 00 0-": "1100"}
BOX = {
    "identify": "*IDN?",
    "state": "CLOS?",
    "open": "OPEN",
    "opened": "(@)",
    "close +0 +0 00": "CLOS (@11)",
    "closed +0 +0 00": "(@11)",
    "close +- 00 0-": "CLOS (@12,24)",
    "closed +- 00 0-": "(@12,24)",
}
INTERLOCK = [{"port": "current_source.current", "below": 1e-6}]
EXCHANGER = {"loaded": "0 mm", "unloaded": "0.8 mm", "tolerance": "20 um"}


class Relays:
    """A box that answers over a socket; `stuck` relays stay where they are."""

    def __init__(self) -> None:
        self.closed, self.stuck, self.heard = "(@)", False, list[str]()

    def __call__(self, line: bytes) -> bytes:
        text = line.decode()
        self.heard.append(text)
        if text == "*IDN?":
            return b"RELAYS\n"
        if text == "CLOS?":
            return self.closed.encode() + b"\n"
        if not self.stuck:
            self.closed = "(@)" if text == "OPEN" else text.partition(" ")[2]
        return b""


@dataclass
class Mover:
    """An instrument, its clock, and where it is, by itself."""

    instrument: Any
    clock: Any
    where: Callable[[], Any]


def from_command_line(request: pytest.FixtureRequest, kinds: tuple[str, ...]) -> Driver:
    given = request.config.getoption("--hardware") or []
    found = next((g for g in given if g.partition("=")[2].partition("@")[0] in kinds), None)
    if found is None:
        pytest.skip("no hardware of this role on the command line: --hardware NAME=driver@resource")
    return named(found, bench(1.0))


# --- switch box ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[*WAYS, "card"])
def box(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mover]:
    with ExitStack() as stack:
        if request.param == "simulated":
            twin = alone(SwitchBox(), main=1.0, compensation=0.5, voltage_1=3.0, voltage_2=5.0)
            names = ("current_1", "current_2", "voltage")

            def look() -> list[float]:
                return [float(twin.signal(f"part.{n}")(np.array([twin.clock.seconds]))[0]) for n in names]

            yield Mover(twin.graph.components["part"], twin.clock, look)
        elif request.param == "driver":
            relays = Relays()
            server = stack.enter_context(Improper(relays))
            made = driver("b", "generic_switch_box", server.resource, bench(), commands=BOX, interlocks=INTERLOCK)
            stack.enter_context(opened(made))
            yield Mover(made, made.clock, lambda: relays.closed)
        elif request.param == "card":
            card = Card({}).install(monkeypatch)
            made = stack.enter_context(opened(digital_box()))
            yield Mover(made, made.clock, lambda: card.relays)
        else:
            made = stack.enter_context(opened(from_command_line(request, ("generic_switch_box", "daq_switch_box"))))
            yield Mover(made, made.clock, lambda: None)


def test_a_box_plays_its_role_and_connects(box: Mover) -> None:
    assert isinstance(box.instrument, BoxRole)
    seen = []
    for main, meter, compensation in (((1, 0), (1, 0), (0, 0)), ((1, -1), (0, 0), (0, -1))):
        box.instrument.connect(main, meter, compensation)
        seen.append(box.where())
    known = {"list": [[1.0, 0.0, 3.0], [1.0, -1.5, 0.0]], "str": ["(@11)", "(@12,24)"], "int": [3, 12]}
    known["NoneType"] = [None, None]
    assert seen == known[type(seen[0]).__name__]


def test_a_box_refuses_what_is_no_polarity(box: Mover) -> None:
    before = box.where()
    with pytest.raises((ValueError, BridgeError)):
        box.instrument.connect((2, 0), (1, 0))
    assert box.where() == before


def relay_box(resource: str, *, armed: bool = True, **more: Any) -> Driver:
    """A driver that is not open yet."""
    given = {"commands": BOX, "interlocks": INTERLOCK, **more}
    return driver("b", "generic_switch_box", resource, bench(), armed=armed, **given)


def digital_box(**more: Any) -> Driver:
    """At the lines of a card."""
    given = {"commands": DIGITAL, "settings": LINES, "interlocks": INTERLOCK, **more}
    return driver("b", "daq_switch_box", "Dev1", bench(), **given)


def test_digital_lines_break_before_they_make_and_are_read_back_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card({}).install(monkeypatch)
    with opened(digital_box()) as made:
        made.connect((1, 0), (1, 0))  # type: ignore[attr-defined]
        assert card.written == [0, 3] and made.identity.startswith("USB-6281")
        assert made.make_safe() == "left at '0011', read back"
        card.stuck = True
        with pytest.raises(BridgeError, match="b: open left it at '0011'"):
            made.connect((1, -1), (0, 0), (0, -1))  # type: ignore[attr-defined]
    assert card.opened == card.closed


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"commands": {**DIGITAL, "open": "00"}}, "all alike in length"),
        ({"commands": {**DIGITAL, "closed": "0000"}}, "unknown closed"),
        ({"commands": {"close +0 +0 00": "0011"}}, "lacks open"),
        ({"settings": {"lines": "port0"}}, "lacks readback"),
        ({"settings": {**LINES, "settle": "-1 ms"}}, r"settings\.settle cannot be less than zero"),
    ],
)
def test_digital_lines_that_are_told_wrongly(more: dict[str, Any], text: str) -> None:
    with pytest.raises(BridgeError, match=text):
        digital_box(**more)


def test_relays_break_before_they_make_and_are_read_back() -> None:
    relays = Relays()
    with Improper(relays) as server, opened(relay_box(server.resource)) as made:
        made.connect((1, 0), (1, 0))  # type: ignore[attr-defined]
        acted = [line for line in relays.heard if "?" not in line]
        assert acted == ["OPEN", "CLOS (@11)"] and relays.heard.count("CLOS?") >= 4
        assert made.make_safe() == "left at '(@11)', read back"
        relays.stuck = True
        with pytest.raises(BridgeError, match=r"b: OPEN left it at '\(@11\)'"):
            made.connect((1, -1), (0, 0), (0, -1))  # type: ignore[attr-defined]


def test_a_box_switches_no_current_and_only_what_is_listed() -> None:
    relays = Relays()
    with Improper(relays) as server:
        with opened(relay_box(server.resource)) as made:

            def flowing() -> None:
                raise SafetyError("interlock: current flows")

            with pytest.raises(BridgeError, match=r"no 'close 0\+ \+0 00'; there are \+0 \+0 00, \+- 00 0-"):
                made.connect((0, 1), (1, 0))  # type: ignore[attr-defined]
            made.guards = [flowing]
            with pytest.raises(SafetyError, match="current flows"):
                made.connect((1, 0), (1, 0))  # type: ignore[attr-defined]
        with opened(relay_box(server.resource, armed=False)) as made:
            made.connect((1, 0), (1, 0))  # type: ignore[attr-defined]
            assert made.log == ["dry run: connect +0 +0 00"]
    assert relays.closed == "(@)"


@pytest.mark.parametrize(
    ("commands", "text"),
    [
        ({**BOX, "closed +0 +0 00": None}, r"lacks closed \+0 \+0 00"),
        ({**BOX, "close +2 +0 00": "X"}, r"unknown close \+2"),
        ({k: v for k, v in BOX.items() if "clos" not in k}, "has no row such as"),
        ({k: v for k, v in BOX.items() if k != "open"}, "lacks open"),
    ],
)
def test_a_table_that_is_not_whole_is_told(commands: Mapping[str, str | None], text: str) -> None:
    with pytest.raises(BridgeError, match=text):
        relay_box("TCPIP::127.0.0.1::1::SOCKET", commands={k: v for k, v in commands.items() if v is not None})


def test_a_box_is_not_armed_without_an_interlock() -> None:
    with pytest.raises(SafetyError, match=r"--arm needs hardware\.interlocks"):
        relay_box("TCPIP::127.0.0.1::1::SOCKET", interlocks=[]).check_limits()


# --- mass exchanger --------------------------------------------------------------------------------------------------


def motor(wired: Wired, **more: Any) -> Driver:
    """The motor at the controller that moves the coil of the station."""
    given = {"settings": EXCHANGER, **more}
    return driver("e", "pi_exchanger", wired.row("flexure", "socket")["address"], bench(), **given)


def position(wired: Wired) -> float:
    """Where the motor truly is (m)."""
    stage: Any = wired.station.served.twin.graph.components["flexure"]
    return float(stage.commanded()[0])


@pytest.fixture(params=WAYS)
def exchanger(request: pytest.FixtureRequest) -> Iterator[Mover]:
    if request.param == "simulated":
        twin = alone(MassExchanger(), weight=0.5)

        def loaded() -> bool:
            return float(twin.signal("part.load")(np.array([twin.clock.seconds]))[0]) == 0.5

        yield Mover(twin.graph.components["part"], twin.clock, loaded)
    elif request.param == "driver":
        there: Wired = request.getfixturevalue("wired")
        with opened(motor(there)) as made:
            yield Mover(made, made.clock, lambda: abs(position(there)) < 1e-6)
    else:
        with opened(from_command_line(request, ("pi_exchanger", "generic_exchanger"))) as made:
            yield Mover(made, made.clock, lambda: None)


def test_an_exchanger_plays_its_role_and_takes_its_time(exchanger: Mover) -> None:
    assert isinstance(exchanger.instrument, ExchangerRole)
    for what, loaded in (("load", True), ("unload", False), ("load", True)):
        before = exchanger.clock.now
        exchanger.clock.run(getattr(exchanger.instrument, what)(1.0))
        assert exchanger.clock.now >= before + NS
        assert exchanger.where() in (loaded, None)


def test_a_motor_that_stands_elsewhere_does_not_set_off(wired: Wired) -> None:
    with opened(motor(wired, settings={**EXCHANGER, "loaded": "0.3 mm"})) as made:
        there, before = made, position(wired)
        with pytest.raises(BridgeError, match="neither loaded nor unloaded: look, and move it by hand"):
            there.clock.run(there.load(1.0))  # type: ignore[attr-defined]
        assert position(wired) == before


def test_a_motor_keeps_its_limits_interlocks_and_dry_run(wired: Wired) -> None:
    with pytest.raises(SafetyError, match="beyond its limit"):
        motor(wired, settings={**EXCHANGER, "unloaded": "3 mm"})
    with pytest.raises(BridgeError, match="are the same place"):
        motor(wired, settings={**EXCHANGER, "unloaded": "10 um"})
    with pytest.raises(BridgeError, match="lacks unloaded"):
        motor(wired, settings={"loaded": 0})
    before = position(wired)
    with opened(motor(wired)) as made:
        there: Any = made
        with pytest.raises(SafetyError, match="velocity"):
            there.clock.run(there.unload(1e-3))

        def flowing() -> None:
            raise SafetyError("interlock: current flows")

        made.guards = [flowing]
        with pytest.raises(SafetyError, match="current flows"):
            there.clock.run(there.unload(1.0))
        assert there.place() == "loaded"
    with opened(driver("e", "pi_exchanger", made.wire.resource, bench(), armed=False, settings=EXCHANGER)) as dry:
        dry.clock.run(dry.unload(1.0))  # type: ignore[attr-defined]
        assert any(line.startswith("dry run: move to 0.0008") for line in dry.log)
    assert position(wired) == before
