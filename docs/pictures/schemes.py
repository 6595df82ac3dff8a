"""Draws docs/pictures/schemes/*.svg: one cycle of each scheme with KBmini, as it is, in the periodic steady state.

python docs/pictures/schemes.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import scenarios
from scenarios.report.theme import BLUE, GREEN, GREY, ORANGE, VERMILLION, Picture, fresh_look, legend, panels, render
from scenarios.run.build import build, start_in_steady_state
from twin.times import NS

SCHEMES = ("tmtp", "omtp", "power_regulated", "anti_series")


def draw(scheme: str) -> Any:
    """Currents, power and the magnet's temperature over a cycle."""
    scenario = scenarios.load(f"kbmini_{scheme}").scenario
    setup = build(scenario, rehearsal=True)
    start_in_steady_state(scenario, setup.twin)
    setup.twin.run(setup.steps)
    end = setup.twin.clock.now / NS
    seconds = np.linspace(0.0, end, 4001)[:-1]
    ports = [port for port in ("switch_box.current_1", "switch_box.current_2") if port in setup.twin.assembly.signals]
    figure, (current, power, magnet) = panels(1.5, 1.1, 1.3)
    windings = zip(ports or ["circuit.coil_current"], ("winding 1", "winding 2"), (BLUE, ORANGE), strict=False)
    for port, name, colour in windings:
        current.plot(
            seconds / 3600, 1e3 * setup.twin.signal(port)(seconds), color=colour, label=name if ports else None
        )
    heat = setup.twin.signal(scenario.wiring["thermal_mass.power"])(seconds)
    power.plot(seconds / 3600, 1e3 * np.broadcast_to(heat, seconds.shape), color=VERMILLION)
    power.set_ylim(bottom=0.0)
    rise = setup.twin.signal("thermal_mass.magnet_temperature_rise")(seconds)
    size = float(np.ptp(rise))
    factor, unit = next((f, u) for f, u in ((1e3, "mK"), (1e6, "µK"), (1e9, "nK")) if size * f > 0.5 or u == "nK")
    magnet.plot(seconds / 3600, factor * (rise - rise.mean()), color=GREEN)
    windows = setup.campaign.velocity_windows() / 3600  # type: ignore[attr-defined]
    for phase in np.split(windows, np.nonzero(np.diff(windows[:, 0]) > 0.05)[0] + 1):
        for axis in (current, power, magnet):
            axis.axvspan(phase[0, 0], phase[-1, 1], color=GREY, alpha=0.15, lw=0)
    legend(current)
    current.set_ylabel("current / mA")
    power.set_ylabel("power / mW")
    magnet.set(xlabel="time / h", ylabel=f"magnet / {unit}")
    return figure


def main() -> None:
    """All of them."""
    folder = Path(__file__).with_name("schemes")
    folder.mkdir(exist_ok=True)
    for scheme in SCHEMES:
        with fresh_look():
            made = render(Picture(scheme, scheme, "", lambda scheme=scheme: draw(scheme)))  # type: ignore[misc]
        (folder / f"{scheme}.svg").write_bytes(made.svg)


if __name__ == "__main__":
    main()
