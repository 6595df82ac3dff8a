"""``kibble-twin thermal``: the thermal-magnetic error of a scenario, without noise and without a run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenarios.cli.arguments import Json, Settings, Source, check_picture, experiment
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.terminal import show, show_json, show_table

if TYPE_CHECKING:
    from scenarios.run.experiment import Experiment

_WANTED = (
    "epsilon",
    "delta_t_f",
    "delta_t_m",
    "delay",
    "current",
    "power",
    "mean_power",
    "magnet_rise",
    "coil_rise",
    "coil_hour_rise",
    "diameter",
    "magnet_mass",
)
_SCALING = ("epsilon", "delta_t_f", "delta_t_m", "power", "magnet_mass", "resistance")


def thermal(
    scenario: Source,
    settings: Settings = None,
    ideal: Annotated[bool, typer.Option("--ideal", help="Switch off all effects first; --set comes after.")] = False,
    over: Annotated[
        str | None,
        typer.Option("--over", metavar="KEY.PATH", help="Also how it scales with a parameter.", show_default=False),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the magnet's temperature through a period: png, svg.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell the thermal-magnetic error of a campaign.

    And nothing else: in the periodic steady state, without noise and as the certificates say the parts are.
    """
    from scenarios.report.numbers import readable, significant
    from scenarios.studies.outputs import OUTPUTS, evaluate

    if plot is not None:
        check_picture(plot)
    chosen = experiment(scenario, settings, ideal=ideal)
    chosen.check()
    found = evaluate(chosen, _WANTED)
    scaling = {} if over is None else _exponents(chosen, over)
    if plot is not None:
        from scenarios.studies.thermal import thermal as studied
        from scenarios.studies.thermal_picture import draw

        draw(chosen, studied(chosen), plot)
    if as_json:
        plain = {name: value if math.isfinite(value) else None for name, value in found.items()}
        about = {} if over is None else {"over": over, "exponents": scaling}
        show_json({"scenario": chosen.scenario.name, **plain, **about})
        return
    show(f"{chosen.scenario.name}: thermal-magnetic error in the periodic steady state")
    rows = [
        (name, significant(value, 5), readable(OUTPUTS[name].unit), OUTPUTS[name].description)
        for name, value in found.items()
    ]
    show_table(("", "", "", ""), rows, right=(1,))
    if over is not None:
        powers = ((name, "–" if value is None else f"{value:.3f}") for name, value in scaling.items())
        show("")
        show_table(("", f"exponent in {over}"), powers, right=(1,))


def _exponents(chosen: Experiment, over: str) -> dict[str, float | None]:
    from scenarios.studies.exponents import exponents
    from scenarios.studies.parameters import present, unit_of_path

    value = present(chosen, over)
    if unit_of_path(chosen.scenario, over) is None or not isinstance(value, int | float) or value == 0:
        raise UsageError(f"--over: expected a quantity that {chosen.scenario.name} has and that is not 0, not {over}")
    if isinstance(value, int):
        raise UsageError(f"--over: {over} is a whole number; expected a quantity that can be a little larger")
    found = exponents(chosen, over, float(value), _SCALING)
    return {name: value if math.isfinite(value) else None for name, value in found.items()}
