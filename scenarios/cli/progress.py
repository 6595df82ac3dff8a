"""The progress of a run, on a terminal only."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from scenarios.cli.terminal import console, note
from twin.times import NS

if TYPE_CHECKING:
    from scenarios.run.experiment import Experiment
    from twin.steps import Step


class Bar:
    """A progress bar over the virtual time of a campaign, with the time left; nothing in a pipe.

    Parameters
    ----------
    chosen : what is run.
    resume : whether to say at which step it goes on.
    """

    def __init__(self, chosen: Experiment, *, resume: bool) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._resume = resume
        self._duration = float(getattr(chosen.scenario.campaign, "duration", 0)) / NS
        columns = (TextColumn("{task.description}"), BarColumn(None), TextColumn("{task.percentage:>3.0f} %"))
        self._progress = Progress(
            *columns,
            TimeRemainingColumn(compact=True),
            console=console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task("preparing", total=self._duration or None)

    def __call__(self, step: Step | None, finished: int, total: int) -> None:
        """Told by the run how far it is."""
        if step is None:
            if self._resume:
                at = (
                    f"resuming at step {finished + 1} of {total}"
                    if finished < total
                    else f"all {total} steps had finished"
                )
                note(f"note: {at}")
            self._progress.update(self._task, completed=self._duration * finished / max(total, 1))
        else:
            self._progress.advance(self._task, step.duration / NS)
        self._progress.update(self._task, description=f"step {min(finished + 1, total)} of {total}")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
