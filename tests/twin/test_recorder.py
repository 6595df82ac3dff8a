"""The recorder: blocks that explain themselves, truth apart, memory bounded."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from twin.recorder import Block, Blocks, Recorder, Schedule
from twin.times import NS


def block(channel: str = "dvm", count: int = 5, value: float = 1.0, **labels: str | int) -> Block:
    schedule = Schedule(0, NS, count)
    return Block(channel, "voltage", "V", schedule, NS // 2, np.full((1, count), value), labels)


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"step": 0}, {"step": -1}, {"repeats": 0}, {"repeats": 2}, {"repeats": 2, "every": -5}]
)
def test_schedules_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a schedule needs positive counts and steps"):
        Schedule(**({"start": 0, "step": NS, "count": 1} | wrong))


def test_values_must_fit_the_schedule() -> None:
    with pytest.raises(ValueError, match=r"block 'dvm': values have shape \(3,\), the schedule \(1, 3\)"):
        Block("dvm", "voltage", "V", Schedule(0, NS, 3), 0, np.zeros(3))


def test_times_are_the_middle_of_the_apertures() -> None:
    bursts = Block("dvm", "voltage", "V", Schedule(NS, 100, 2, NS, 2), 50, np.zeros((2, 2)))
    assert bursts.times() == pytest.approx(np.array([[1 + 25e-9, 1 + 125e-9], [2 + 25e-9, 2 + 125e-9]]), rel=1e-15)
    assert bursts.schedule.end == 2 * NS + 200


def test_blocks_are_chosen_by_channel_and_label() -> None:
    blocks = Blocks(
        [block(phase="weighing", cycle=0), block(phase="velocity"), block("laser", phase="weighing", cycle=1)]
    )
    assert len(blocks.select("dvm")) == 2 and len(blocks.select(phase="weighing")) == 2
    assert [b.channel for b in blocks.select(phase="weighing", cycle=1)] == ["laser"]
    assert len(blocks.select("laser", phase="velocity")) == 0 and len(blocks.select()) == 3
    assert blocks.samples == 15 and blocks.since(2)[0].channel == "laser"


def test_truth_is_kept_apart_from_readings() -> None:
    recorder = Recorder()
    recorder.record(block("dvm"))
    recorder.record_truth(block("magnet.temperature"))
    assert [b.channel for b in recorder.readings] == ["dvm"]
    assert [b.channel for b in recorder.truth] == ["magnet.temperature"]


def test_beyond_a_size_values_live_on_disk_and_stay_the_same(tmp_path: Path) -> None:
    recorder = Recorder(spill_bytes=2500, folder=tmp_path)
    made = [block(count=100, value=float(k), number=k) for k in range(10)]
    for k, one in enumerate(made):
        (recorder.record_truth if k % 3 == 0 else recorder.record)(one)
    assert len(list(tmp_path.iterdir())) == 1  # one file for many blocks: each file stays open
    for kept in (*recorder.readings, *recorder.truth):
        k = kept.labels["number"]
        assert np.array_equal(kept.values, made[k].values) and kept.schedule == made[k].schedule
        assert kept.values.sum() == 100.0 * k
    assert sum(isinstance(b.values, np.memmap) for b in (*recorder.readings, *recorder.truth)) == 7


def test_the_temporary_folder_goes_with_the_recorder() -> None:
    recorder = Recorder(spill_bytes=0)
    recorder.record(block())
    (kept,) = recorder.readings
    folder = Path(kept.values.filename).parent
    assert folder.exists()
    del recorder, kept
    gc.collect()
    assert not folder.exists()


def test_the_instants_of_a_schedule_are_shared_and_not_to_be_written_to() -> None:
    one, other = (Schedule(3, 2, 4, every=10, repeats=2).instants() for _ in range(2))
    assert np.array_equal(one, [[3, 5, 7, 9], [13, 15, 17, 19]]) and np.array_equal(one, other)
    with pytest.raises(ValueError, match="read-only"):
        one[0, 0] = 7
