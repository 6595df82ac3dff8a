"""Reports tell at once what was real, and what of it nobody could verify."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

import scenarios
from scenarios.report import hardware, measured
from scenarios.run.build import build
from scenarios.run.drawing import svg
from scenarios.run.measured import Measured
from scenarios.run.reopen import Origin

SOURCE: dict[str, Any] = {
    "driver": "keithley6221",
    "resource": "TCPIP::192.0.2.7::1394::SOCKET",
    "identity": "KEITHLEY <6221>",
    "end": "output off, level 0 A, read back",
    "stale_replies": 0,
    "log": ["dry run: current 1e-3 A"],
    "met_hardware": False,
    "acts": True,
    "calibration": {"gain": 1.2e-5, "offset": 0.0, "u": 0.0},
}
METER: dict[str, Any] = {**SOURCE, "driver": "hp3458a", "acts": False, "end": "reads only", "log": ["late", "lost"]}
ARTEFACT: dict[str, Any] = {**SOURCE, "driver": "artefact", "resource": "", "acts": False, "calibration": {}}
ACCOUNT: dict[str, Any] = {
    "armed": True,
    "instruments": {"current_source": SOURCE, "induced_voltmeter": METER, "resistor": ARTEFACT},
    "unverified": [],
    "lag": {"events": 100, "overruns": 3, "p99_s": 4e-3, "worst_s": 9e-3, "tolerance_s": 5e-3, "mean_s": 1e-4},
    "interruptions": [{"at_s": 60.0, "gap_s": 120.0}],
}


@cache
def run() -> Measured:
    result = scenarios.load("moving_mode").with_({"campaign.frequencies": [1.0], "campaign.read_time": 4.0}).run()
    assert isinstance(result, Measured)
    return result


SHADOW: dict[str, Any] = {
    "members": 16,
    "false_alarm": 1e-6,
    "alarms": 21,
    "told": ["meter voltage at 3 s: 1 of 8 readings out of the band; <late>"],
    "channels": [
        {
            "channel": name,
            "quantity": "voltage",
            "unit": "V",
            "source": "real",
            "blocks": 2,
            "judged": judged,
            "readings": 16,
            "doubtful": judged,
            "alarms": judged // 2,
            "rms_score": 1.25 if judged else None,
            "time_s": [1.0, 3.0],
            "residual": [1e-6, 5e-6],
            "band": [3e-6, 3e-6],
            "alarm": [False, judged > 0],
        }
        for name, judged in (("meter", 2), ("silent", 0))
    ],
}


def page(account: dict[str, Any], shadow: dict[str, Any] | None = None) -> str:
    result = replace(run(), hardware=account, shadow=shadow or {})
    graph = svg(build(result.scenario).twin.graph)
    return measured.page(result, Origin.of(result), [], graph, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_simulated_run_has_no_such_section() -> None:
    text = page({})
    assert 'id="hardware"' not in text and "Kibble balance report, simulated" in text
    assert not hardware.instruments(run()) and not hardware.facts(run())


def test_what_was_real_is_told_first() -> None:
    text = page(ACCOUNT)
    assert "Kibble balance report, with 2 real instruments, outputs armed" in text
    assert text.index('id="hardware"') < text.index('id="curves"')
    for words in ("TCPIP::192.0.2.7::1394::SOCKET", "KEITHLEY &lt;6221&gt;", "gain 1.2e-05", "read back"):
        assert words in text
    assert "The safe state of all that was armed has been read back." in text
    assert "3 of 100 events later than 5e-03 s" in text or "3 of 100 events later than 0.005 s" in text


@pytest.mark.parametrize(("armed", "did"), [(True, "armed"), (False, "dry run")])
def test_the_table_says_what_each_part_did(armed: bool, did: str) -> None:
    rows = {row.name: row for row in hardware.instruments(replace(run(), hardware={**ACCOUNT, "armed": armed}))}
    assert {name: row.did for name, row in rows.items()} == {
        "current_source": did,
        "induced_voltmeter": "read",
        "resistor": "passed through",
    }
    assert rows["induced_voltmeter"].remarks == "2 incidents: lost; driver has met no hardware"
    assert "incident" not in rows["current_source"].remarks  # what a dry run would have done is none
    assert rows["resistor"].remarks == "–"


def test_what_could_not_be_verified_stands_out() -> None:
    text = page({**ACCOUNT, "unverified": ["current_source: its safe state could NOT be verified: no answer"]})
    assert 'role="alert"' in text and "could NOT be verified: no answer" in text
    assert "has been read back.</p>" not in text


def test_the_twin_beside_a_run_tells_its_alarms_with_a_picture() -> None:
    text = page({}, SHADOW)
    assert "out of the band; &lt;late&gt;" in text and "… and 20 more." in text
    assert ">1.25<" in text and ">no band<" in text
    assert 'aria-label="Mean residual of each block in its band; channels: 1, alarms: 1."' in text
    assert ">Shadow</a>" in text and "Real instruments" not in text


def test_an_interruption_is_told() -> None:
    (row,) = [row for row in hardware.facts(replace(run(), hardware=ACCOUNT)) if row.name == "Interrupted"]
    assert row.value.startswith("for 2 min at 1 min of the run")
