"""Checkpoints without loss of a bit, and a store that is complete at every moment."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.twin.builders import Formula, Given, Lag, assemble, ns, single_group
from twin.checkpoint import FORMAT, check_format, decode_array, decode_piece, encode_array, encode_piece
from twin.errors import CheckpointError
from twin.piece import Piece, constant, harmonics, polynomial, ramp
from twin.recorder import Block, Recorder, Schedule
from twin.store import RunStore
from twin.terms import Decays, Term
from twin.timeline import Timeline
from twin.times import NS


def through_json(data: Any) -> Any:
    return json.loads(json.dumps(data))


@given(
    st.one_of(
        hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)),
        hnp.arrays(np.complex128, hnp.array_shapes(min_dims=1, max_dims=2, min_side=0)),
    )
)
def test_arrays_keep_every_bit(array: np.ndarray) -> None:
    array = np.where(np.isnan(array), 0.0, array)  # a NaN has many bit patterns
    back = decode_array(through_json(encode_array(array)))
    assert back.dtype == array.dtype and back.shape == array.shape and back.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "piece",
    [
        constant(0.1, 7),
        ramp(0.1, 1 / 3, ns(1), ns(2)),
        polynomial([0.1, 0.2, 0.3], 0, 12345),
        harmonics(0.1, {Fraction(19, 20): 0.1 - 0.2j, Fraction(9): -1j}, 3, ns(7)),
        Piece(
            0,
            None,
            5,
            np.array([[1.0, 2.0]]),
            (Term(-0.1, np.array([[1.0, 1 / 3]])), Term(-0.1 + 2j, np.array([[1j, 0.1]]))),
            Decays(np.array([-0.1, -1 / 3]), np.array([[1.0, 1 / 7], [0.2j, 1e-300]])),
        ),
    ],
)
def test_pieces_keep_every_bit(piece: Piece) -> None:
    back = decode_piece(through_json(encode_piece(piece)))
    assert (back.start, back.end, back.length) == (piece.start, piece.end, piece.length)
    assert back.series.tobytes() == piece.series.tobytes()
    for a, b in zip(back.terms, piece.terms, strict=True):
        assert (a.rate, a.hertz) == (b.rate, b.hertz) and a.series.tobytes() == b.series.tobytes()
    assert back.decays.rates.tobytes() == piece.decays.rates.tobytes()
    assert back.decays.factors.tobytes() == piece.decays.factors.tobytes()


def test_a_checkpoint_of_another_format_or_scenario_is_refused() -> None:
    check_format({"format": FORMAT, "fingerprint": "abc"}, "abc")
    with pytest.raises(CheckpointError, match=f"format 0 is not {FORMAT}"):
        check_format({"format": 0, "fingerprint": "abc"}, "abc")
    with pytest.raises(CheckpointError, match="format None"):
        check_format({}, "abc")
    with pytest.raises(CheckpointError, match="another scenario or seed"):
        check_format({"format": FORMAT, "fingerprint": "xyz"}, "abc")


def build() -> tuple[Timeline, Any]:
    line = Timeline("source.y", 0.5)
    parts = {
        "source": Given(signal=line),
        "power": Formula(formula=lambda a, b: a * a * (1.0 + 0.3 * b)),
        "coil": Lag(tau=5.0),
        "magnet": Lag(tau=80.0),
        "probe": Lag(tau=2.0),
    }
    wiring = {
        "power.a": "source.y", "power.b": "coil.y", "coil.u": "power.y", "coil.v": "magnet.y", "magnet.u": "coil.y",
        "probe.u": "source.y",
    }  # fmt: skip
    return line, assemble(parts, wiring)


@pytest.mark.parametrize("stop", [30.0, 47.123456789, 60.0, 75.0])
def test_a_restored_run_goes_on_to_the_bit(stop: float) -> None:
    """Stopped within a ramp, within a wave, at a change and after all laws; later a new law comes."""

    def begin(line: Timeline, assembly: Any) -> None:
        line.follow(
            ramp(0.5, 1.0, ns(20), ns(40)), harmonics(1.0, {Fraction(1, 5): 0.2}, ns(40), ns(60)), constant(0.7, ns(60))
        )
        for t in (10.0, 25.0, stop):
            for name in ("coil.y", "magnet.y", "probe.y"):
                assembly.signals[name](t)

    def finish(line: Timeline, assembly: Any) -> bytes:
        line.follow(constant(1.5, ns(90)))
        t = np.linspace(stop, 150.0, 40)
        means = [assembly.signals[n].means(np.arange(ns(stop), ns(140), NS), NS // 2) for n in ("coil.y", "probe.y")]
        values = [assembly.signals[n](t) for n in ("coil.y", "magnet.y", "probe.y", "power.y", "source.y")]
        return b"".join(v.tobytes() for v in (*means, *values))

    line, assembly = build()
    begin(line, assembly)
    saved = through_json({"line": line.track.state(), "groups": [g.state() for g in assembly.groups]})
    expected = finish(line, assembly)

    fresh_line, fresh = build()
    fresh_line.track.restore(saved["line"])
    for group, state in zip(fresh.groups, saved["groups"], strict=True):
        group.restore(state)
    assert finish(fresh_line, fresh) == expected

    for group, state in zip(assembly.groups, saved["groups"], strict=True):  # and back in the same twin
        group.restore(state)
    line.track.restore(saved["line"])
    assert finish(line, assembly) == expected


def test_a_restored_group_forgets_what_it_had_shown() -> None:
    line = Timeline("u.y", 1.0)
    group, (x,) = single_group(-1.0, [line])
    start = through_json(group.state())
    first = float(x(1.0))
    line.track.restore([encode_piece(constant(2.0, 0))])
    group.restore(start)
    assert float(x(1.0)) == pytest.approx(2 * first, rel=1e-15)


# --- the store -------------------------------------------------------------------------------------------------------


def block(value: float, channel: str = "dvm") -> Block:
    values = np.full((2, 3), value)
    return Block(
        channel,
        "voltage",
        "V",
        Schedule(5, NS, 3, 10 * NS, 2),
        NS // 2,
        values,
        {"phase": "weighing", "cycle": 1, "on": True},
    )


def stored(folder: Path, steps: int = 2) -> Recorder:
    store, recorder = RunStore(folder), Recorder()
    for k in range(steps):
        recorder.record(block(float(k)))
        recorder.record_truth(block(10.0 + k, "magnet.temperature"))
        store.save(recorder, {"finished_steps": k + 1})
    return recorder


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    recorder = stored(tmp_path)
    state, readings, truth = RunStore(tmp_path).load()
    assert state["finished_steps"] == 2 and len(readings) == len(truth) == 2
    for loaded, made in zip((*readings, *truth), (*recorder.readings, *recorder.truth), strict=True):
        assert np.array_equal(loaded.values, made.values)
        assert {**loaded.__dict__, "values": 0} == {**made.__dict__, "values": 0}


def test_a_loaded_store_goes_on(tmp_path: Path) -> None:
    stored(tmp_path)
    store, recorder = RunStore(tmp_path), Recorder()
    _, recorder.readings, recorder.truth = store.load()
    recorder.record(block(7.0))
    store.save(recorder, {"finished_steps": 3})
    state, readings, truth = RunStore(tmp_path).load()
    assert (state["finished_steps"], len(readings), len(truth)) == (3, 3, 2)
    assert [b.values[0, 0] for b in readings] == [0.0, 1.0, 7.0]


@pytest.mark.parametrize("moment", ["values", "meta", "temporary", "before the rename"])
def test_a_run_killed_while_it_saves_resumes_from_the_step_before(tmp_path: Path, moment: str) -> None:
    stored(tmp_path)
    (tmp_path / "readings" / "000002.npy").write_bytes(b"\x93NUMPY torn")
    if moment != "values":
        np.save(tmp_path / "readings" / "000002.npy", np.zeros((2, 3)))
        (tmp_path / "readings" / "000002.json").write_text('{"channel": "dv')
    if moment in ("temporary", "before the rename"):
        text = json.dumps({"finished_steps": 3, "blocks": {"readings": 3, "truth": 3}})
        (tmp_path / "checkpoint.tmp").write_text(text[: 20 if moment == "temporary" else None])
    store, recorder = RunStore(tmp_path), Recorder()
    state, recorder.readings, recorder.truth = store.load()
    assert state["finished_steps"] == 2 and len(recorder.readings) == 2
    recorder.record(block(9.0))
    store.save(recorder, {"finished_steps": 3})
    _, readings, _ = RunStore(tmp_path).load()
    assert [b.values[0, 0] for b in readings] == [0.0, 1.0, 9.0]


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no run to resume: .*checkpoint.json is missing"):
        RunStore(tmp_path / "nothing").load()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "5",
        "{}",
        '{"blocks": 5}',
        '{"blocks": {}}',
        '{"blocks": {"readings": "x", "truth": 0}}',
        "\x00\x01",
    ],
)
def test_a_garbage_checkpoint_is_an_error(tmp_path: Path, text: str) -> None:
    stored(tmp_path)
    (tmp_path / "checkpoint.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"cannot be read .*; start the run anew"):
        RunStore(tmp_path).load()


@pytest.mark.parametrize("garbage", [b"", b"\x93NUMPY", b"no numbers", b"\xff\xfe"])
@pytest.mark.parametrize(
    "file", ["readings/000001.npy", "readings/000000.json", "truth/000001.json", "checkpoint.json"]
)
def test_a_garbage_file_is_an_error(tmp_path: Path, file: str, garbage: bytes) -> None:
    stored(tmp_path)
    (tmp_path / file).write_bytes(garbage)
    with pytest.raises(CheckpointError, match="cannot be read"):
        RunStore(tmp_path).load()


@pytest.mark.parametrize("meta", ["[]", "{}", '{"schedule": 5}', '{"schedule": {"start": 0, "step": 1, "count": 7}}'])
def test_a_block_that_does_not_fit_is_an_error(tmp_path: Path, meta: str) -> None:
    stored(tmp_path)
    (tmp_path / "readings" / "000000.json").write_text(meta)
    with pytest.raises(CheckpointError, match="cannot be read"):
        RunStore(tmp_path).load()


def test_a_missing_block_is_an_error(tmp_path: Path) -> None:
    stored(tmp_path)
    (tmp_path / "truth" / "000000.npy").unlink()
    with pytest.raises(CheckpointError, match=r"000000.npy is missing"):
        RunStore(tmp_path).load()
