"""A component of a package that is not ours: install it, put it into a scenario, and see what it does to the mass.

    python docs/examples/own_component.py

The package is ``docs/examples/leakage``. A laboratory would ``pip install`` it into its environment; here it goes into
a folder of its own, which is taken away again. What passes the resistor by is not measured, so that the current, and
with it the mass, is found too small by ``share · humidity/0.5``. It needs hatchling, which builds the package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PACKAGE = Path(__file__).with_name("leakage")
KIBBLE_TWIN = Path(sys.executable).with_name("kibble-twin")


def install(folder: Path) -> None:
    """Build the package and put it into a folder."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(PACKAGE)], check=True)


def run(folder: Path, *settings: str) -> dict[str, Any]:
    """The result of the humid day, without any other effect."""
    command = [str(KIBBLE_TWIN), "run", str(PACKAGE / "damp.yaml"), "--ideal", "--json"]
    for setting in ("campaign.cycles=1", "campaign.velocity.cycles=60", "thermal.start=ambient", *settings):
        command += ["--set", setting]
    paths = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, stdout=subprocess.PIPE, check=True)
    result: dict[str, Any] = json.loads(done.stdout)["result"]
    return result


def main() -> None:
    """With the effect and without."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        install(folder)
        for share in (0.0, 2e-6):
            found = run(folder, f"balance.leakage.share={share!r}")["relative_error"]
            print(f"share {share:g}: error of the mass {found:+.3e}, expected {0.0 - share * 0.7 / 0.5:+.3e}")


if __name__ == "__main__":
    main()
