"""From the safe state back to where an interrupted run was: relays and a mass, which nobody moves unseen."""

from __future__ import annotations

from typing import Any

import pytest

from components.mass_exchanger import MassExchanger
from components.switch_box import SwitchBox
from hw_bridge.errors import BridgeError, SafetyError
from tests.components.bench import bench as alone
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.subjects import bench, driver, opened
from tests.hw_bridge.test_conformance_movers import BOX, INTERLOCK, Relays

EXCHANGER = {"identify": "*IDN?", "load": "UP", "unload": "DOWN", "state": "S?", "loaded": "1", "unloaded": "0"}


def flowing() -> None:
    """An interlock that does not hold."""
    raise SafetyError("interlock: current flows")


def test_relays_are_closed_as_they_were_when_no_current_flows() -> None:
    relays = Relays()
    twin = alone(SwitchBox(), main=1.0, compensation=0.5, voltage_1=3.0, voltage_2=5.0)
    part: Any = twin.graph.components["part"]
    part.connect((1, -1), (0, 0), (0, -1))
    more: Any = {"commands": BOX, "interlocks": INTERLOCK}
    with Improper(relays) as server, opened(driver("b", "generic_switch_box", server.resource, bench(), **more)) as box:
        made: Any = box
        made.model = part
        made.guards = [flowing]
        with pytest.raises(SafetyError, match="current flows"):
            made.clock.run(made.take_up())
        assert relays.closed == "(@)" and "OPEN" not in relays.heard
        made.guards = []
        made.clock.run(made.take_up())
        assert relays.closed == "(@12,24)"
        part.connect((0, 1), (1, 0))
        with pytest.raises(BridgeError, match=r"the run had it at 0\+ \+0 00, which hardware\.commands does not list"):
            made.clock.run(made.take_up())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw_bridge.drivers.exchanger.TAKE_UP", 0.05)


@pytest.mark.parametrize(
    ("state", "flows", "sent"),
    [("0", False, []), ("1", False, [b"DOWN"]), ("1", True, []), ("?", False, [])],
)
def test_a_mass_goes_where_the_run_had_it_unless_nobody_knows_where_it_is(
    state: str, flows: bool, sent: list[bytes]
) -> None:
    heard, there = list[bytes](), [state]

    def exchanger(line: bytes) -> bytes:
        heard.append(line)
        if line == b"DOWN":
            there[0] = "0"
            return b""
        return b"X\n" if line == b"*IDN?" else there[0].encode() + b"\n"

    part: Any = alone(MassExchanger(), weight=0.5).graph.components["part"]  # it is not on the pan
    more: Any = {"commands": EXCHANGER}
    with (
        Improper(exchanger) as server,
        opened(driver("e", "generic_exchanger", server.resource, bench(), **more)) as motor,
    ):
        made: Any = motor
        made.model = part
        made.guards = [flowing] if flows else []
        if state == "?":
            with pytest.raises(
                BridgeError, match="and the run had it unloaded: look what it carries, and put it there"
            ):
                made.clock.run(made.take_up())
        elif flows:
            with pytest.raises(SafetyError, match="current flows"):
                made.clock.run(made.take_up())
        else:
            made.clock.run(made.take_up())
        assert made.taken_up == ("unloaded, as the run had it; it was loaded" if sent else "")
    assert [line for line in heard if line not in (b"*IDN?", b"S?")] == sent
