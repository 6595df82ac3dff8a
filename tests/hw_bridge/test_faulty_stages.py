"""Random faults in the byte stream of one stage of two: both outputs are off in the end, or that is told."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest

from hw_bridge.errors import BridgeError
from tests.hw_bridge.faulty_wire import FAULTS, Fault, faulty
from tests.hw_bridge.subjects import bench, driver, two_stages
from tests.hw_bridge.wired import Wired

PLACES = {"coarse": "current_source", "fine": "current_source_fine"}
CURRENTS = (0.2e-3, 0.2e-3 + 1.5e-6, -0.3e-3, -1e-6)
LINES = 24
"""About as many does each stage send, and get."""


def sound(seed: int, wired: Wired) -> None:
    """What has to hold whatever goes wrong."""
    rng = np.random.default_rng(seed)
    fault = Fault(*FAULTS[seed % len(FAULTS)], int(rng.integers(0, LINES)), seed)
    struck = str(rng.choice(list(PLACES)))
    served = {which: wired.station.core(name).source for which, name in PLACES.items()}
    error, told, delivered = None, "", list[float]()
    with ExitStack() as stack:
        stages = two_stages(wired)
        wires = {
            which: stack.enter_context(faulty(wired.port("socket", name), None))
            for which, name in PLACES.items()
            if which != struck
        }
        wires[struck] = stack.enter_context(faulty(wired.port("socket", PLACES[struck]), fault))
        for which, wire in wires.items():
            stages[which]["resource"] = wire.resource
        made = driver("current_source", "two_stage_source", "", bench(), stages=stages, timeout=0.5)
        try:
            made.open()
            made.connect()  # type: ignore[attr-defined]
            for current in CURRENTS:
                made.clock.run(made.set(current, 0.0))  # type: ignore[attr-defined]
                delivered.append(sum(source.level for source in served.values()) - current)
            made.check(0, 0)  # type: ignore[attr-defined]
        except BridgeError as raised:
            error = raised
        try:
            told = made.make_safe()
        except BridgeError as raised:
            told = str(raised)
        assert made.close()
        dead = wires[struck].dead and fault.kind == "killed"
    assert np.all(np.abs(delivered) < 60e-12), "what was read back flowed"
    assert error is None or (fault.happened and fault.kind != "split"), f"{fault}: {error}"
    for which, source in served.items():
        if source.is_connected or source.level != 0.0:
            assert which == struck and dead, "an output is left on"
            assert "NOT be verified" in told and which in told
            with wired.connect("socket", PLACES[which]) as operator:
                operator.query("*RST;:OUTP?")
    if "NOT be verified" not in told:
        assert told.count("output off, level 0 A, read back") == 2


@pytest.mark.parametrize("seed", range(16))
def test_a_fault_at_one_stage_leaves_no_output_on(seed: int, wired: Wired) -> None:
    sound(seed, wired)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(16, 216))
def test_two_hundred_faults_leave_no_output_on(seed: int, wired: Wired) -> None:
    sound(seed, wired)
