"""Draws docs/pictures/kbmini.png: what one command, `kibble-twin run kbmini_tmtp`, simulates. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import scenarios

COLOURS = {"weighing": "#0072B2", "velocity": "#D55E00", "truth": "#009E73"}


def main() -> None:
    """Run the campaign and draw four panels."""
    result = scenarios.load("kbmini_tmtp").run()
    figure, axes = plt.subplots(2, 2, figsize=(11, 6.2), layout="constrained")
    hours = 3600.0
    resistance = result.scenario.resolved["balance"]["resistor"]["resistance"]

    current = axes[0, 0]
    for block in result.readings.select("current_voltmeter", phase="weighing"):
        milliamperes = block.values.ravel() / resistance * 1e3
        current.plot(block.times().ravel() / hours, milliamperes, color=COLOURS["weighing"], lw=2.5)
    current.set(title="coil current while weighing 1 kg", xlabel="time / h", ylabel="current / mA")

    rise = axes[0, 1]
    for block in result.truth.select("thermal_mass.magnet_temperature_rise"):
        rise.plot(block.times().ravel() / hours, block.values.ravel() * 1e3, color=COLOURS["truth"])
    rise.set(title="magnet, above 25 °C (truth)", xlabel="time / h", ylabel="temperature rise / mK")

    voltage = axes[1, 0]
    block = next(iter(result.readings.select("induced_voltmeter", phase="velocity")))
    t0 = block.times()[0, 0] - 0.1
    shown = block.times() < t0 + 3.0
    voltage.plot(block.times()[shown] - t0, block.values[shown] * 1e3, ".", color=COLOURS["velocity"], ms=5)
    voltage.set(title="induced voltage in the flat windows", xlabel="time / s", ylabel="voltage / mV")

    masses = axes[1, 1]
    cycles = result.mass.cycles
    error = np.array([c.mass_kg for c in cycles]) / result.true.mass_kg - 1.0
    spread = np.array([c.u_mass_kg for c in cycles]) / result.true.mass_kg
    masses.errorbar([c.time_s / hours for c in cycles], error * 1e6, spread * 1e6, fmt="o", color=COLOURS["weighing"])
    assert result.thermal is not None
    epsilon = result.thermal.epsilon * 1e6
    masses.axhline(epsilon, color=COLOURS["truth"])
    masses.text(0.02, 0.95, "line: thermal-magnetic bias (truth)", transform=masses.transAxes, color=COLOURS["truth"])
    masses.set(title="mass of each cycle", xlabel="time / h", ylabel="m / m_true − 1   / 10⁻⁶")

    for axis in axes.flat:
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    main()
