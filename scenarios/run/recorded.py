"""What a run has recorded, finished or under way, as it was read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scenarios.run.experiment import Experiment, load
from scenarios.run.export import read_blocks, read_log
from scenarios.run.output import BLOCKS, SCENARIO, OutputFolder
from scenarios.run.reopen import check_folder
from scenarios.run.shadow import as_they_were_read
from twin.recorder import Blocks
from twin.store import RunStore


@dataclass(frozen=True)
class Recorded:
    """A run.

    Parameters
    ----------
    path : its folder.
    scenario_file : as it was run.
    experiment : of this file.
    readings : with what a shadow has taken out of them.
    log : what instruments were told; without commands for a run that nobody followed, which went as it was planned.
    """

    path: Path
    scenario_file: Path
    experiment: Experiment
    readings: Blocks
    log: Blocks


def recorded(path: Path) -> Recorded:
    """The run of a folder; of one under way, what it has so far.

    Raises
    ------
    OutputError
        If it holds none.
    CheckpointError
        If what a run under way has cannot be read.
    """
    folder = OutputFolder(path)
    if folder.is_under_way:
        file = folder.scenario_file
        with RunStore(folder.partial) as store:
            readings, log = store.blocks("readings"), store.blocks("log")
    else:
        check_folder(path)
        file = path / SCENARIO
        readings, log = read_blocks(path / BLOCKS)[0], read_log(path / BLOCKS)
    return Recorded(path, file, load(file), as_they_were_read(readings, log), log)
