"""Draws docs/pictures/kbmini_ranges.png: KBmini at five masses, against class E2 and Li2026's target.

The figures of the runs are written beside it, kbmini_ranges.csv; `kibble-twin ranges --plot FILE` does the same.
"""

from __future__ import annotations

from pathlib import Path

import scenarios
from scenarios.studies.ranges import KBMINI, points, table
from scenarios.studies.ranges_picture import draw

HERE = Path(__file__)


def main() -> None:
    """Run the five campaigns, write their figures and draw them."""
    found = list(points(scenarios.load(name) for name in KBMINI))
    HERE.with_suffix(".csv").write_text(table(found), encoding="utf-8")
    draw(found, HERE.with_suffix(".png"))


if __name__ == "__main__":
    main()
