"""What a run has recorded, finished or under way, as it was read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scenarios.run.experiment import Experiment, load, load_text
from scenarios.run.export import read_blocks, read_log
from scenarios.run.output import BLOCKS, SCENARIO, OutputFolder
from scenarios.run.reopen import check_folder
from scenarios.run.shadow import as_they_were_read
from scenarios.run.shared import SharedRuns, is_url
from twin.recorder import Blocks
from twin.store import RunStore


@dataclass(frozen=True)
class Recorded:
    """A run.

    Parameters
    ----------
    scenario_file : as it was run; None in a shared database.
    experiment : what was run.
    readings : with what a shadow has taken out of them.
    log : what instruments were told; without commands for a run that nobody followed, which went as it was planned.
    """

    scenario_file: Path | None
    experiment: Experiment
    readings: Blocks
    log: Blocks


def recorded(place: str | Path) -> Recorded:
    """The run of a folder or of a shared database; of one under way, what it has so far.

    Raises
    ------
    OutputError
        If it holds none.
    CheckpointError
        If what a run under way has cannot be read.
    """
    if is_url(place):
        with SharedRuns(str(place)) as runs:
            run = runs.one()
            readings, log = run.store.blocks("readings"), run.store.blocks("log")
            return Recorded(None, load_text(run.scenario, run.place), as_they_were_read(readings, log), log)
    path = Path(place)
    folder = OutputFolder(path)
    if folder.is_under_way:
        file = folder.scenario_file
        with RunStore(folder.partial) as store:
            readings, log = store.blocks("readings"), store.blocks("log")
    else:
        check_folder(path)
        file = path / SCENARIO
        readings, log = read_blocks(path / BLOCKS)[0], read_log(path / BLOCKS)
    return Recorded(file, load(file), as_they_were_read(readings, log), log)
