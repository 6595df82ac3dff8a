"""The pictures of a report, one function each, and what the instruments have read.

Each function takes the result of a run and gives a picture, or None if the run has nothing to show there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from components.resistor import Resistor
from scenarios.report.numbers import deviation, prefixed, relative_scale
from scenarios.report.pictures_magnet import bl_in_time, bl_profile
from scenarios.report.pictures_mass import masses, weighings
from scenarios.report.pictures_motion import oscillation
from scenarios.report.pictures_ramps import ramps
from scenarios.report.pictures_uncertainty import allan, budget
from scenarios.report.series import Series, means, series, spans
from scenarios.report.theme import BLUE, GREEN, GREY, ORANGE, VERMILLION, Picture, label, legend, panels, time_unit
from scenarios.run.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KELVIN = 273.15
RISE = "thermal_mass.magnet_temperature_rise"


def currents(result: Result) -> Picture | None:
    """Coil current in the data windows of the weighings, and how steady it is."""
    resistor = result.scenario.sized.get("resistor")
    if not isinstance(resistor, Resistor):
        return None
    resistance = resistor.resistance
    blocks = {
        state: list(result.readings.select("current_voltmeter", phase="weighing", state=state))
        for state in ("on", "off")
    }
    if not any(blocks.values()):
        return None
    drawn = {
        state: Series(s.times, s.values / resistance)
        for state, found in blocks.items()
        if len(s := series(found, points=1000, apart=True))
    }
    out = {(item.cycle, item.number) for item in result.mass.excluded if item.what == "weighing"}
    used = {
        state: [b for b in found if (b.labels["cycle"], b.labels["weighing"]) not in out]
        for state, found in blocks.items()
    }
    average = {state: s for state, found in used.items() if len(s := means(found))}
    looks = {"on": (BLUE, "-", "o"), "off": (VERMILLION, "--", "^")}

    def draw() -> Figure:
        figure, (whole, steady) = panels(1.9, 1.7)
        time = time_unit(result.virtual_s)
        current = prefixed("A", np.concatenate([s.values for s in drawn.values()]))
        steps = {state: deviation(s.values, float(s.values.mean())) for state, s in average.items()}
        scale = relative_scale(np.concatenate([np.zeros(1), *steps.values()]))
        for state, s in drawn.items():
            colour, line, marker = looks[state]
            name = f"mass {state}"
            whole.plot(s.times * time.factor, s.values * current.factor, line, color=colour, lw=2.2, label=name)
            if state in steps:
                at = average[state].times * time.factor
                steady.plot(at, steps[state] * scale.factor, marker, color=colour, label=name)
        whole.set_ylabel(label("coil current", current.unit))
        steady.set(xlabel=label("time", time.unit), ylabel=label("I/⟨I⟩ − 1", scale.unit))
        legend(whole)
        return figure

    return Picture(
        "currents",
        "Coil current against time in the weighings, with the mass on and off, and the relative deviation of each "
        "weighing's mean from the mean of its state.",
        "Coil current while weighing, from the voltage across the standard resistor "
        f"(R = {resistance:.10g} Ω): readings in the data windows (above), and the mean of each weighing relative to "
        "the mean of all weighings in the same state (below)"
        + (", without the weighings that were excluded." if out else "."),
        draw,
    )


def temperatures(result: Result) -> Picture | None:
    """Temperature of the magnet, as it is and as the thermometer shows it, and of the air."""
    rise = series(result.truth.select(RISE), points=1600)
    shown = series(result.readings.select("magnet_thermometer"), points=800)
    readings = [block for block in result.readings.select("environment") if block.quantity == "temperature"]
    air = series(readings, points=800)
    magnet = [s for s in (rise, shown) if len(s)]
    if not magnet and not len(air):
        return None
    phases = spans(result.readings.select("induced_voltmeter", phase="velocity"))

    def draw() -> Figure:
        figure, axes = panels(*[1.9] * (bool(magnet) + bool(len(air))))
        time = time_unit(result.virtual_s)
        if magnet:
            above, axis = prefixed("K", np.concatenate([s.values for s in magnet])), axes[0]
            if len(rise):
                axis.plot(rise.times * time.factor, rise.values * above.factor, color=GREEN, label="magnet, truth")
            if len(shown):
                axis.plot(
                    shown.times * time.factor, shown.values * above.factor, ".", ms=4, color=ORANGE, label="thermometer"
                )
            axis.set_ylabel(label("temperature rise", above.unit))
        if len(air):
            axis = axes[-1]
            axis.plot(air.times * time.factor, air.values - KELVIN, ".", ms=4, color=BLUE, label="air")
            axis.set_ylabel(label("temperature", "°C"))
            _not_closer(axis, 0.02)
        for axis in axes:
            for number, (start, end) in enumerate(phases):
                name = "velocity phase" if number == 0 and axis is axes[0] else None
                axis.axvspan(start * time.factor, end * time.factor, color=GREY, alpha=0.13, lw=0, label=name)
            legend(axis)
        axes[-1].set_xlabel(label("time", time.unit))
        return figure

    seen = ["the magnet's temperature rise over its reference"] * bool(magnet) + ["the air's"] * bool(len(air))
    return Picture(
        "temperatures",
        f"Temperatures against time: {' and '.join(seen)}.",
        "Temperature of the magnet above its reference: as it is (line, what only a simulation knows) and as the "
        "thermometer shows it (dots); and of the air as the station shows it. The velocity phases are shaded.",
        draw,
    )


def _not_closer(axis: Axes, span: float) -> None:
    """Keep an axis from blowing up what does not change."""
    low, high = axis.get_ylim()
    if high - low < span:
        middle = 0.5 * (low + high)
        axis.set_ylim(middle - 0.5 * span, middle + 0.5 * span)


def auxiliary(result: Result) -> Picture | None:
    """Pressure and humidity of the air."""
    found = {
        quantity: series([b for b in result.readings.select("environment") if b.quantity == quantity], points=800)
        for quantity in ("pressure", "humidity")
    }
    found = {quantity: s for quantity, s in found.items() if len(s)}
    if not found:
        return None

    def draw() -> Figure:
        figure, axes = panels(*[1.4] * len(found))
        time = time_unit(result.virtual_s)
        for axis, (quantity, s) in zip(axes, found.items(), strict=True):
            factor, unit = (1e-2, "hPa") if quantity == "pressure" else (1e2, "%")
            axis.plot(s.times * time.factor, s.values * factor, ".", ms=4, color=BLUE)
            axis.set_ylabel(label(quantity, unit))
            _not_closer(axis, 0.1)
        axes[-1].set_xlabel(label("time", time.unit))
        return figure

    return Picture(
        "air",
        f"{' and '.join(found).capitalize()} of the air against time.",
        f"{' and '.join(found).capitalize()} of the air as the station shows them; with its temperature they give the "
        "density of the air, and so the buoyancy.",
        draw,
    )


SECTIONS: dict[str, tuple[Callable[[Result], Picture | None], ...]] = {
    "currents": (currents, ramps),
    "temperatures": (temperatures, auxiliary),
    "bl": (bl_in_time, bl_profile, oscillation),
    "weighings": (weighings, masses),
    "allan": (allan,),
    "budget": (budget,),
}
"""The pictures by the section of the report that they stand in."""
