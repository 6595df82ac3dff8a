"""The twin beside a run: silent where all is as stated, and loud where a reading leaves its band."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.run.beside import Beside
from scenarios.run.ensemble import Prediction
from scenarios.run.execute import resumed_as
from scenarios.run.experiment import Experiment
from scenarios.run.reopen import reopen
from scenarios.run.shadow import Shadow, Verdict, as_they_were_read, good, judged, taken_out
from twin.errors import InputError, SimulationError
from twin.recorder import Block, Blocks, Recorder, Schedule
from twin.times import NS

ROOM = {"balance.environment.uncertainties": None}
KEYS = {"campaign.frequencies": [1.0], "campaign.read_time": 4.0}


@cache
def moving() -> Experiment:
    return scenarios.load("moving_mode").with_(KEYS)


def block(values: Any, source: Any = "simulated") -> Block:
    row = np.atleast_2d(np.asarray(values, dtype=float))
    return Block("meter", "voltage", "V", Schedule(0, NS, row.shape[1]), NS, row, {}, source)


def prediction(readings: int, noise: float, errors: float, seed: int, members: int = 16) -> Prediction:
    draw = np.random.default_rng(seed)
    common = errors * draw.standard_normal((members if errors else 0, 1)) * np.ones(readings)
    return Prediction(np.zeros(readings), common, noise * draw.standard_normal((members, readings)), np.zeros(readings))


# --- a verdict -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("noise", "errors"), [(1.0, 0.0), (1.0, 3.0), (0.1, 1.0)])
def test_good_blocks_are_in_their_band(noise: float, errors: float) -> None:
    draw = np.random.default_rng(5)
    verdicts = []
    for k in range(300):
        read = errors * draw.standard_normal() + noise * draw.standard_normal(50)
        verdicts.append(judged(block(read), prediction(50, noise, errors, k)))
    assert not any(verdict.alarm for verdict in verdicts)
    scores = np.array([verdict.residual / verdict.u for verdict in verdicts])
    assert np.std(scores) == pytest.approx(1.0, abs=0.2)  # of Student's t with 16 degrees of freedom, 1.07


def test_one_wrong_reading_is_found_and_the_others_stay() -> None:
    read = np.random.default_rng(1).standard_normal(50)
    read[17] = 12.0
    verdict = judged(block(read), prediction(50, 1.0, 0.0, 2))
    assert np.flatnonzero(verdict.doubtful).tolist() == [17]
    assert "1 of 50 readings" in str(verdict)
    edge = verdict.reading_band  # just within and just beyond it
    for value, found in ((0.999 * edge, []), (1.001 * edge, [17])):
        read[17] = value
        assert np.flatnonzero(judged(block(read), prediction(50, 1.0, 0.0, 2)).doubtful).tolist() == found


def test_a_mean_that_is_off_makes_all_of_it_doubtful() -> None:
    read = 2.5 + np.random.default_rng(1).standard_normal(400)  # no reading is out of its band
    assert judged(block(read), prediction(400, 1.0, 0.0, 2)).doubtful.all()
    assert not judged(block(read), prediction(400, 1.0, 3.0, 2)).alarm  # a certificate allows it


def test_what_is_no_number_is_not_good() -> None:
    read = np.random.default_rng(1).standard_normal(20)
    read[3] = np.nan
    verdict = judged(block(read), prediction(20, 1.0, 0.0, 2))
    assert np.flatnonzero(verdict.doubtful).tolist() == [3]
    assert judged(block(np.full(20, np.nan)), prediction(20, 1.0, 0.0, 2)).doubtful.all()


def test_without_noise_and_uncertainty_nothing_is_judged() -> None:
    verdict = judged(block(np.ones(5)), prediction(5, 0.0, 0.0, 1))
    assert not verdict.alarm and verdict.u == 0.0


def test_calibration_and_time_widen_the_band() -> None:
    told = prediction(20, 1e-3, 0.0, 1)
    read = np.full(20, 1.0)
    assert judged(block(read), told).alarm
    assert not judged(block(read), told, u_reading=0.5).alarm
    assert not judged(block(read), told._replace(timing=np.full(20, 1.0))).alarm


def test_what_is_not_good_is_taken_out_and_can_be_put_back() -> None:
    whole = block([1.0, 50.0, 2.0], "real")
    verdict = Verdict(whole, 0.0, 1.0, 5.0, 10.0, np.array([[False, True, False]]))
    log = Blocks([verdict.for_the_log()])
    assert taken_out(whole) == taken_out(next(iter(log)))
    (left,) = good([whole], log)
    assert np.array_equal(left.values, [[1.0, np.nan, 2.0]], equal_nan=True)
    for readings in ([left], [whole]):
        (again,) = as_they_were_read(readings, log)
        assert np.array_equal(again.values, whole.values)


# --- a run -----------------------------------------------------------------------------------------------------------


def test_a_run_as_stated_raises_no_alarm() -> None:
    run = moving().run()
    shadow = Shadow(moving().scenario, members=8)
    shadow.go_through(run.readings, run.log)
    told = shadow.summary()
    assert told["alarms"] == 0
    judged_ones = {c["channel"]: c for c in told["channels"] if c["judged"]}
    assert {"induced_voltmeter", "interferometer"} <= set(judged_ones)
    assert sum(c["readings"] for c in told["channels"]) == run.readings.samples


def test_a_balance_that_is_not_as_stated_raises_one_in_the_channels_that_feel_it() -> None:
    run = moving().with_({"balance.magnet.bl": 1.05 * moving().scenario.resolved["balance"]["magnet"]["bl"]}).run()
    shadow = Shadow(moving().scenario, members=8)
    shadow.go_through(run.readings, run.log)
    alarmed = {c["channel"] for c in shadow.summary()["channels"] if c["alarms"]}
    assert alarmed == {"induced_voltmeter"}


FAULT = "faults.meter={component: induced_voltmeter, fault: sticks, time: 12 s, duration: 0.1 s}"


def test_the_commands_tell_alarms_by_exit_code_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["moving_mode", "--set=campaign.frequencies=[1.0]", "--set=campaign.read_time=4 s"]
    out = str(tmp_path / "out")
    assert main(["run", *words, "--set", FAULT, "--shadow", "--out", out, "--json", "--no-report"]) == 4
    captured = capsys.readouterr()
    told = json.loads(captured.out)["shadow"]
    assert told["alarms"] >= 1 and "alarm: induced_voltmeter voltage at" in captured.err
    assert all(text.endswith("; simulated, and left as it is") for text in told["told"])
    assert main(["shadow", out, "--members", "8", "--json", "--plot", str(tmp_path / "shadow.png")]) == 4
    again = json.loads(capsys.readouterr().out)
    assert [c["alarms"] > 0 for c in again["channels"]] == [c["alarms"] > 0 for c in told["channels"]]
    assert (tmp_path / "shadow.png").stat().st_size > 5000
    reopened, _ = reopen(tmp_path / "out")
    assert reopened.shadow == told and [b.channel for b in reopened.log] == ["flexure"]


class StoppedError(Exception):
    """What interrupts a run."""


def test_a_run_that_goes_on_is_judged_from_its_beginning(tmp_path: Path) -> None:
    chosen = moving().with_({"campaign.frequencies": [1.0, 2.0]})

    def stop(step: object, finished: int, total: int) -> None:
        if finished == total - 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        chosen.run(store=tmp_path, progress=stop, shadow=True)
    result = chosen.run(store=tmp_path, resume=True)  # it had a shadow, and has one again
    assert result.steps_resumed > 0
    assert sum(c["readings"] for c in result.shadow["channels"]) == result.readings.samples
    assert result.shadow["alarms"] == 0 and len(result.log) > 1
    whole = chosen.run()
    assert whole.summary()["result"] == result.summary()["result"]
    assert whole.summary().get("shadow") is None and not len(whole.log)


def test_nobody_gives_a_shadow_to_a_run_without_a_log() -> None:
    with pytest.raises(InputError, match="began without --shadow"):
        resumed_as({"how": {"arm": False, "shadow": False}}, arm=False, shadow=True, logged=False)


def test_a_run_goes_on_when_its_shadow_fails() -> None:
    told: list[str] = []
    run = moving().run()
    with Beside(moving().scenario, told.append, members=4) as beside:
        beside.ready()
        recorder = Recorder()
        beside._recorder, recorder.heard = recorder, beside._heard
        blocks = list(run.readings)
        wrong = [replace(blocks[0], labels={"laws": "[]", "command": "motion"}, channel="nobody")]
        beside._commands = wrong
        for one in blocks:
            recorder.record(one)
        with pytest.raises(SimulationError, match="the shadow has failed"):
            beside.concluded()
    assert len(recorder.readings) == len(blocks) and sum("nobody judges it" in text for text in told) == 1


def test_a_folder_without_a_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["shadow"], ["fit", "--parameter", "balance.magnet.bl"]):
        assert main([*command, str(tmp_path / "no")]) == 2
        assert "no such folder" in capsys.readouterr().err
