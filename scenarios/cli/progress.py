"""The progress of a run, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from scenarios.cli.terminal import console, note

if TYPE_CHECKING:
    from scenarios.run.experiment import Experiment
    from twin.steps import Step

T = TypeVar("T")


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
        self._duration = 1e-9 * getattr(chosen.scenario.campaign, "duration", 0)
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
            self._progress.advance(self._task, 1e-9 * step.duration)
        self._progress.update(self._task, description=f"step {min(finished + 1, total)} of {total}")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def counted(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The items as they come, with a bar on a terminal and the time left; nothing in a pipe."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(None), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    hidden = not sys.stderr.isatty()
    with Progress(*columns, console=console(stderr=True), transient=True, disable=hidden) as bar:
        yield from bar.track(items, total=total)


def rated(items: Iterable[T], total: int, what: str, done: int = 0) -> Iterator[T]:
    """As `counted`, with the rate at which items come.

    Parameters
    ----------
    done : how many of the total there were before.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.progress import TimeRemainingColumn as Left
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if not speed else f"{speed:.3g}/s")

    columns = (TextColumn(what), BarColumn(None), MofNCompleteColumn(), Rate(), Left(compact=True))
    hidden = not sys.stderr.isatty()
    with Progress(*columns, console=console(stderr=True), transient=True, disable=hidden) as bar:
        task = bar.add_task(what, total=total, completed=done)
        for item in items:
            yield item
            bar.advance(task)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Say on a terminal what takes a while, until it is done; nothing in a pipe."""
    if sys.stderr.isatty():
        with console(stderr=True).status(f"{what} …"):
            yield
    else:
        yield
