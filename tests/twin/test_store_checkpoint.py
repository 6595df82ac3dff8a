"""Checkpoints without loss of a bit, and a store that is complete at every moment."""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.twin.builders import Formula, Given, Lag, assemble, ns, single_group
from twin import database
from twin.checkpoint import FORMAT, check_format, decode_array, decode_piece, encode_array, encode_piece
from twin.database import FORMAT as FORMAT_OF_DATABASE
from twin.database import tables
from twin.errors import CheckpointError, InputError
from twin.piece import Piece, constant, harmonics, polynomial, ramp
from twin.postgresql import PostgresDatabase
from twin.recorder import Block, Blocks, Recorder, Schedule
from twin.store import RunStore
from twin.terms import Decays, Term
from twin.timeline import Timeline
from twin.times import NS

PATIENCE = 20.0  # s, for what takes no time if nothing is wrong


def through_json(data: Any) -> Any:
    return json.loads(json.dumps(data))


@given(
    st.one_of(
        hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)),
        hnp.arrays(np.complex128, hnp.array_shapes(min_dims=1, max_dims=2, min_side=0)),
    )
)
def test_arrays_keep_every_bit(array: np.ndarray) -> None:
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


Opening = Callable[[], RunStore]
"""Opens the store of one run, again and again."""
_numbers = itertools.count(1)


def opening(kind: str, folder: Path, request: pytest.FixtureRequest) -> Opening:
    if kind == "sqlite":
        return lambda: RunStore(folder, durable=False)
    url, number = request.getfixturevalue("postgresql"), next(_numbers)
    return lambda: RunStore(PostgresDatabase(url, durable=False), run=number)


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """A run of a database of either kind."""
    return opening(request.param, tmp_path, request)


def stored(opened: Opening, steps: int = 2) -> Recorder:
    recorder = Recorder()
    with opened() as store:
        store.follow(recorder)
        for k in range(steps):
            recorder.record(block(float(k)))
            recorder.record_truth(block(10.0 + k, "magnet.temperature"))
            store.save({"finished_steps": k + 1})
    return recorder


def first_values(blocks: Blocks) -> list[float]:
    return [float(b.values[0, 0]) for b in blocks]


def test_what_was_saved_is_loaded(opened: Opening) -> None:
    recorder = stored(opened)
    with opened() as store:
        state, readings, truth = store.load()
    assert state["finished_steps"] == 2 and len(readings) == len(truth) == 2
    for loaded, made in zip((*readings, *truth), (*recorder.readings, *recorder.truth), strict=True):
        assert np.array_equal(loaded.values, made.values)
        assert {**loaded.__dict__, "values": 0} == {**made.__dict__, "values": 0}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_bit_of_a_block_comes_back(kind: str, request: pytest.FixtureRequest) -> None:
    @given(
        values=hnp.arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.floats(width=64)),
        labels=st.dictionaries(st.text(max_size=5), st.one_of(st.text(), st.integers(), st.booleans())),
        start=st.integers(-(2**62), 2**62),
    )
    @settings(max_examples=30, deadline=None)
    def check(values: Any, labels: dict[str, Any], start: int) -> None:
        schedule = Schedule(start, 1, values.shape[1], 7, values.shape[0])
        made = Block("dvm ü", "voltage", "V", schedule, 3, values, labels, "real")
        with tempfile.TemporaryDirectory() as folder, opening(kind, Path(folder), request)() as store:
            store.append("readings", made)
            (found,) = store.blocks("readings")
        assert found.values.tobytes() == made.values.tobytes()
        assert {**found.__dict__, "values": 0} == {**made.__dict__, "values": 0}

    check()


def test_a_loaded_store_goes_on(opened: Opening) -> None:
    stored(opened)
    with opened() as store:
        _, readings, _ = store.load()
        store.append("readings", block(7.0))
        store.save({"finished_steps": 3})
    with opened() as store:
        state, readings, truth = store.load()
    assert (state["finished_steps"], len(readings), len(truth)) == (3, 3, 2)
    assert first_values(readings) == [0.0, 1.0, 7.0]


def test_what_came_after_the_checkpoint_is_there_until_the_run_resumes_and_then_set_aside(opened: Opening) -> None:
    stored(opened)
    for value in (8.0, 9.0):
        with opened() as store:
            store.append("readings", block(value))
            assert first_values(store.blocks("readings")) == [0.0, 1.0, value]
        with opened() as store:
            assert first_values(store.load()[1]) == [0.0, 1.0]
    with opened() as store, store._database.transaction() as execute:
        counted = "SELECT set_aside, count(*) FROM block WHERE run = :run GROUP BY set_aside ORDER BY set_aside"
        assert [tuple(row) for row in execute(counted, store._run)] == [(0, 4), (1, 1), (2, 1)]


def test_others_may_read_while_a_run_goes_on(opened: Opening) -> None:
    with opened() as store, opened() as other:
        store.append("readings", block(1.0))
        assert not other.has_checkpoint and other.saved is None
        store.save({"finished_steps": 1})
        store.append("readings", block(2.0))
        assert other.state() == {"finished_steps": 1}
        assert first_values(other.blocks("readings")) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("column", "value"),
    [("data", b""), ("data", b"1234567"), ("data", bytes(48)), ("labels", "{"), ("repeats", 3), ("step_ns", 0)],
)
def test_a_damaged_block_is_an_error(opened: Opening, column: str, value: object) -> None:
    stored(opened)
    last = "(SELECT max(id) FROM block WHERE run = :run)"
    with opened() as store, store._database.transaction() as execute:
        execute(f"UPDATE block SET {column} = :value WHERE id = {last}", {"value": value, **store._run})
    with opened() as store, pytest.raises(CheckpointError, match="cannot be read"):
        store.load()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", "\x01"])
def test_a_garbage_checkpoint_is_an_error(opened: Opening, text: str) -> None:
    stored(opened)
    with opened() as store, store._database.transaction() as execute:
        execute("UPDATE checkpoint SET state = :text WHERE run = :run", {"text": text, **store._run})
    with opened() as store, pytest.raises(CheckpointError, match=r"cannot be read \(.*\)$"):
        store.load()


# --- SQLite ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", [True, False])
def test_a_database_that_is_being_made_is_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Who looks at a run that begins sees nothing, and is not in its way."""
    looked = list[bool]()

    def look(**types: str) -> list[str]:
        with RunStore(tmp_path) as other:
            looked.append(other.has_checkpoint)
        return tables(**types)

    def none(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(database, "tables", look)
    if not links:
        monkeypatch.setattr(database.os, "link", none)
    with RunStore(tmp_path) as store:
        store.save({"finished_steps": 1})
        assert store.state() == {"finished_steps": 1}
    assert looked == [False] and [path.name for path in tmp_path.iterdir()] == ["run.db"]


def test_of_two_that_make_a_database_at_once_both_use_that_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(**types: str) -> list[str]:
        monkeypatch.setattr(database, "tables", tables)
        with RunStore(tmp_path) as other:
            other.append("readings", block(1.0))
        return tables(**types)

    monkeypatch.setattr(database, "tables", meanwhile)
    with RunStore(tmp_path) as store:
        store.append("readings", block(2.0))
        assert first_values(store.blocks("readings")) == [1.0, 2.0]


def test_a_database_that_has_just_gone_is_not_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database.SqliteDatabase, "exists", lambda self: True)
    (tmp_path / "run.db").write_bytes(b"")
    store = RunStore(tmp_path)
    monkeypatch.setattr(Path, "exists", lambda self: True)
    (tmp_path / "run.db").unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        store.state()
    assert not list(tmp_path.iterdir())


def test_a_program_killed_at_random_loses_no_block_that_was_committed(tmp_path: Path) -> None:
    """It says on standard output what it has committed, and is killed at some moment."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; from twin.store import RunStore\n"
        "from tests.twin.test_store_checkpoint import block\n"
        "store = RunStore(Path(sys.argv[1]), durable=False)\n"
        "for k in range(10**6):\n    store.append('readings', block(float(k)))\n    print(k, flush=True)\n"
    )
    draw = random.Random(5)
    for attempt in range(4):
        folder = tmp_path / str(attempt)
        command = [sys.executable, "-c", program, str(folder), str(Path(__file__).parents[2])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(draw.randrange(1, 60)):
                process.stdout.readline()
            process.kill()
            said = [line for line in process.stdout.read().splitlines() if line]
        with RunStore(folder) as store:
            kept = first_values(store.blocks("readings"))
        assert kept == [float(k) for k in range(len(kept))]
        assert not said or len(kept) > int(said[-1])


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"run.db holds no run to resume: there is no checkpoint"):
        RunStore(tmp_path / "nothing").load()
    with pytest.raises(CheckpointError, match=r"run.db cannot be read \(there is no such run\)"):
        RunStore(tmp_path / "nothing").blocks("readings")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("garbage", [b"no database at all, but a text of some length", bytes(200)])
def test_a_garbage_file_is_an_error(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "run.db").write_bytes(garbage)
    with pytest.raises(CheckpointError, match="cannot be read"), RunStore(tmp_path) as store:
        store.load()


def test_a_database_of_another_format_is_an_error(tmp_path: Path) -> None:
    stored(lambda: RunStore(tmp_path, durable=False))
    connection = sqlite3.connect(tmp_path / "run.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(CheckpointError, match="its format is 99, not 2"), RunStore(tmp_path) as store:
        store.load()


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be written"):
        RunStore(tmp_path / "file").append("readings", block(1.0))


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_told_in_one_line() -> None:
    pytest.importorskip("sqlalchemy", reason="needs the extra postgresql")
    store = RunStore(PostgresDatabase("postgresql://somebody:secret@127.0.0.1:1/lab"))
    with pytest.raises(CheckpointError) as told:
        store.append("readings", block(1.0))
    text = str(told.value)
    assert "127.0.0.1" in text and "see whether the server is there" in text
    assert "\n" not in text and "secret" not in text
    with pytest.raises(CheckpointError, match="cannot be read"):
        assert store.exists


@pytest.mark.parametrize("url", ["mysql://localhost/lab", "lab", "postgresql://localhost:port/lab"])
def test_another_url_is_refused(url: str) -> None:
    pytest.importorskip("sqlalchemy", reason="needs the extra postgresql")
    with pytest.raises(InputError, match="expected postgresql://"):
        PostgresDatabase(url)


def test_a_server_that_ends_a_connection_ends_the_run_and_may_be_asked_again(postgresql: str) -> None:
    with closing(PostgresDatabase(postgresql)) as database, closing(PostgresDatabase(postgresql)) as other:
        store = RunStore(database, run=next(_numbers))
        store.append("readings", block(1.0))
        with other.transaction() as execute:
            every = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            list(execute(every + "AND application_name = 'kibble-twin'", {}))
        with pytest.raises(CheckpointError, match="cannot be written"):
            store.append("readings", block(2.0))
        store.append("readings", block(3.0))
        assert first_values(store.blocks("readings")) == [1.0, 3.0]


def test_who_claims_a_run_has_it_alone_until_the_connection_ends(postgresql: str) -> None:
    number = next(_numbers)
    with closing(PostgresDatabase(postgresql)) as first, closing(PostgresDatabase(postgresql)) as second:
        assert first.claim(number) and not second.claim(number)
        first.close()
        deadline = time.monotonic() + PATIENCE
        while not second.claim(number):  # the server ends the connection in its own time
            assert time.monotonic() < deadline
        with pytest.raises(CheckpointError, match="another program has the run now"):
            first.exists()


def test_tables_of_another_format_are_refused(postgresql: str) -> None:
    with closing(PostgresDatabase(postgresql)) as database:
        for number in (99, FORMAT_OF_DATABASE):
            with database.transaction() as execute:
                execute("UPDATE format SET number = :number", {"number": number})
            with closing(PostgresDatabase(postgresql)) as other:
                if number == FORMAT_OF_DATABASE:
                    assert other.exists()
                else:
                    with pytest.raises(other.errors, match="is 99, not"):
                        other.exists()
