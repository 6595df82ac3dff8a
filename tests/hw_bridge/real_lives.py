"""A run with real instruments that may be killed at any moment; see `tests.scenarios.lives`, whose lines it speaks.

python -m tests.hw_bridge.real_lives FOLDER RESOURCES
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.hw_bridge.real_bench import bridged, hardware
from tests.scenarios.lives import Telling, live_again_and_again
from twin.clock import Process
from twin.recorder import Schedule
from twin.steps import Step
from twin.times import NS

CYCLES = 60


def campaign(clock: Any, there: Mapping[str, Any]) -> list[Step]:
    """Set a current and read it, again and again."""

    def setting(cycle: int) -> Process:
        end = clock.now + NS
        there["current_source"].connect()
        yield from there["current_source"].set(1e-4 * (1 + cycle % 5), 0.0)
        yield from there["induced_voltmeter"].read(Schedule(clock.now, NS // 50, 3), {"phase": "rest", "cycle": cycle})
        yield clock.until(end)

    return [Step(f"setting {k}", NS, lambda k=k: setting(k), "rest", k) for k in range(CYCLES)]  # type: ignore[misc]


def main() -> None:
    """See the module."""
    folder, resources = Path(sys.argv[1]), json.loads(sys.argv[2])

    def live() -> None:
        with Telling(folder) as store, bridged(hardware(resources)) as (bridge, twin, there):
            store.follow(twin.recorder)
            twin.run(campaign(bridge.clock, there))

    live_again_and_again(live)


if __name__ == "__main__":
    main()
