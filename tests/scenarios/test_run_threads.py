"""Linear algebra in a run: one thread, whatever the process had and has again."""

from __future__ import annotations

from threadpoolctl import threadpool_info, threadpool_limits

import scenarios
from twin.steps import Step


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_a_run_has_one_thread_and_gives_back_the_others() -> None:
    seen: list[set[int]] = []

    def look(step: Step | None, finished: int, total: int) -> None:
        seen.append(threads())

    with threadpool_limits(limits=2, user_api="blas"):
        scenarios.load("moving_mode").run(progress=look)
        assert threads() == {2}
    assert seen and all(found == {1} for found in seen)
