"""How small may the magnet be? NIST-4's, scaled down, for a thermal-magnetic error of 10⁻⁸ at 1 kg.

    python docs/examples/how_small.py               # the table
    python docs/examples/how_small.py sizes.png     # and |ε| against the size

Each question is a scenario with something changed. `Search.boundary` finds where |ε| reaches the limit; nothing is run
but the heat, in the periodic steady state and without noise.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import scenarios
from scenarios.studies.boundary import SCALE, Boundary, Search
from scenarios.studies.boundary_picture import draw

LIMIT = 1e-8
GRID = 25
# --8<-- [start:questions]
QUESTIONS = {
    "TMTP, SmCo": ("nist4_tmtp", {}),
    "TMTP, NdFeB": ("nist4_tmtp", {"balance.magnet.material": "NdFeB"}),
    "TMTP, SmCo, half the period": ("nist4_tmtp", {"campaign.weighing.count": 10, "campaign.velocity.pairs": 10}),
    "TMTP, SmCo, twice the period": ("nist4_tmtp", {"campaign.weighing.count": 40, "campaign.velocity.pairs": 40}),
    "OMTP, SmCo": ("nist4_omtp", {}),
}
# --8<-- [end:questions]


def answers(names: Sequence[str] = tuple(QUESTIONS)) -> dict[str, Boundary]:
    """Where each question's error reaches the limit, between p = 0.2 and 1.2."""
    found = {}
    for name in names:
        scenario, changes = QUESTIONS[name]
        found[name] = Search(scenarios.load(scenario).with_(changes), SCALE).boundary(LIMIT, 0.2, 1.2, GRID)
    return found


def main(arguments: list[str]) -> None:
    """Print the table, and draw it if a file is named."""
    found = answers()
    for name, boundary in found.items():
        size = boundary.smallest
        if size is None:
            told = boundary.verdict
        else:
            told = f"p = {size.value:.4f}, {size.diameter_mm:.0f} mm, {size.mass_kg:.0f} kg"
        print(f"{name:30} {told}")
    for file in arguments:
        draw(found, "1", Path(file))


if __name__ == "__main__":
    main(sys.argv[1:])
