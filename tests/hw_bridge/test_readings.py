"""What counts as a reading, and what it means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hw_bridge.drivers.wire import LONGEST, WireError, wire
from hw_bridge.errors import BridgeError
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.real_bench import NOBODY
from tests.hw_bridge.subjects import bench, driver, opened
from twin.recorder import Schedule
from twin.times import NS


def test_an_instrument_of_any_language_names_itself_after_each_answer() -> None:
    """What comes in place of its name is the answer to something else, and so may the reading have been."""
    names = iter([b"A\n", b"A\n", b"A\n", b"2.0\n"])
    words = {"identify": "I", "read": "R"}
    with (
        Improper(lambda line: next(names) if line == b"I" else b"1.0\n") as server,
        opened(driver("m", "generic_meter", server.resource, bench(), commands=words)) as made,
    ):
        meter: Any = made
        with pytest.raises(BridgeError, match=r"'2\.0' came in place of 'A'"):
            meter.clock.run(meter.read(Schedule(meter.clock.now, NS // 20, 3), {}))
    assert not len(made.bench.recorder.readings)


def test_what_is_shown_is_corrected_by_the_certificate() -> None:
    """Shown = 1.25 true + 0.5."""
    more: Any = {"commands": {"identify": "I", "read": "R"}, "calibration": {"gain": 0.25, "offset": 0.5}}
    with (
        Improper(lambda line: b"A\n" if line == b"I" else b"3.0\n") as server,
        opened(driver("m", "generic_meter", server.resource, bench(), **more)) as made,
    ):
        meter: Any = made
        block = meter.clock.run(meter.read(Schedule(meter.clock.now, NS // 20, 2), {}))
    assert block.values.tolist() == [[2.0, 2.0]]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_reading_that_is_no_number_is_not_recorded(wrong: float) -> None:
    made = driver("m", "generic_meter", NOBODY, bench(), commands={"identify": "I", "read": "R"})
    schedule = Schedule(0, NS, 2)
    with pytest.raises(BridgeError, match="m: a reading is not finite"):
        made.record(np.array([[1.0, wrong]]), schedule, "voltage", "V", NS, {})
    assert not len(made.bench.recorder.readings)
    made.record(np.array([[1.0, np.nan]]), schedule, "field", "T", NS, {}, gaps=True)
    assert len(made.bench.recorder.readings) == 1


def test_a_line_without_end_is_no_answer() -> None:
    """It is given up before it has filled the memory."""
    with Improper(lambda line: b"9" * (2 * LONGEST)) as server:
        made = wire(server.resource, 20.0)
        with pytest.raises(WireError, match="connection lost: a line without end"):
            made.converse(lambda w: w.query("A?"))
        made.close()
