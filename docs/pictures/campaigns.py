"""Draws docs/pictures/campaigns/*.svg: pictures of campaigns, of the reports that their runs make of themselves.

python docs/pictures/campaigns.py            # all of them
python docs/pictures/campaigns.py thermal    # some
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from scenarios.cli.app import main as kibble_twin

PICTURES = {
    "magnet_moving": ("tsinghua_magnet_moving_tmtp", "bl_position"),
    "moving_mode": ("moving_mode", "bl_of_frequency"),
    "thermal": ("small_magnet_tmtp", "periodic_temperature"),
    "mass_series": ("kbmini_mass_series", "differences"),
    "mass_reversal": ("nist4_mass_reversal", "reversal"),
    "gradiometer": ("nist4_gradiometer", "profile"),
    "hall_probe": ("nist4_hall_probe", "profile"),
    "inductance": ("nist4_inductance", "inductance"),
    "oscillating": ("kbmini_oscillating", "bl_time"),
    "coil_noise": ("nist4_noise", "spectrum"),
    "gap_survey": ("tsinghua_gap_survey", "v_beside"),
    "environment_survey": ("tsinghua_environment_survey", "radial_static_around"),
    "induced_voltage": ("tsinghua_induced_voltage", "field_of_position"),
}
"""Scenario and picture of the report, by the name of the file."""


def main(names: Sequence[str]) -> None:
    """Run the scenarios and take the pictures."""
    folder = Path(__file__).with_name("campaigns")
    folder.mkdir(exist_ok=True)
    for name in names or PICTURES:
        scenario, picture = PICTURES[name]
        with TemporaryDirectory() as out:
            if kibble_twin(["run", scenario, "--out", f"{out}/run"]):
                raise SystemExit(f"{scenario} does not run")
            shutil.copy(Path(out) / "run" / "pictures" / f"{picture}.svg", folder / f"{name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
