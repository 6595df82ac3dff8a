"""What a study may ask of a scenario; what it does not ask for is not computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from scenarios.run.experiment import Experiment
from scenarios.run.measured import reports_mass
from twin.errors import InputError, TwinError

Values = dict[str, float]


@dataclass(frozen=True)
class Output:
    """One number of a scenario.

    Parameters
    ----------
    unit : SI unit.
    description : what it is.
    source : what has to be computed for it, a key of `SOURCES`.
    of : takes it from there.
    """

    unit: str
    description: str
    source: str
    of: Callable[[Any], float | None]


def _part(name: str, attribute: str) -> Callable[[Any], float | None]:
    return lambda parts: getattr(parts.get(name), attribute, None)


OUTPUTS: Mapping[str, Output] = MappingProxyType(
    {
        "diameter": Output("m", "outer diameter of the magnet", "parts", _part("magnet", "diameter")),
        "magnet_mass": Output("kg", "mass of the magnet", "parts", _part("magnet", "mass")),
        "resistance": Output("ohm", "of the coil at the reference temperature", "parts", _part("coil", "resistance")),
        "epsilon": Output("1", "thermal-magnetic error of the mass, α_m δT_m", "thermal", lambda t: t.epsilon),
        "delta_t_f": Output(
            "K", "peak-to-peak of the magnet's periodic temperature", "thermal", lambda t: t.analysis.delta_t_f_K
        ),
        "delta_t_m": Output(
            "K", "magnet temperature, velocity less weighing windows", "thermal", lambda t: t.analysis.delta_t_m_K
        ),
        "delay": Output("s", "of the magnet's temperature, τ_d", "thermal", lambda t: t.analysis.delay_s),
        "current": Output("A", "mean size in the weighing windows", "thermal", lambda t: t.current_A),
        "power": Output("W", "of the coil in the weighing windows", "thermal", lambda t: t.power_W),
        "mean_power": Output("W", "of the coil, mean of a period", "thermal", lambda t: t.mean_power_W),
        "magnet_rise": Output("K", "mean temperature rise of the magnet", "thermal", lambda t: t.magnet_rise_K),
        "coil_rise": Output("K", "mean temperature rise of the coil", "thermal", lambda t: t.coil_rise_K),
        "coil_hour_rise": Output(
            "K", "of the coil in an hour of that power, if no heat left it", "thermal", lambda t: t.coil_hour_rise_K
        ),
        "mass": Output("kg", "reported by a run", "run", lambda r: r.mass.mass_kg),
        "error": Output("1", "of the reported mass, relative", "run", lambda r: r.relative_error),
        "u": Output("1", "relative standard uncertainty of the mass", "run", lambda r: r.mass.u_relative),
        "u_type_a": Output("1", "its part of Type A", "run", lambda r: r.mass.u_type_a),
        "u_type_b": Output("1", "its part of Type B", "run", lambda r: r.mass.u_type_b),
        "bl": Output("T*m", "reported geometric factor", "run", lambda r: r.mass.bl_Tm),
        "run_epsilon": Output(
            "1",
            "thermal-magnetic error of a run, with its errors drawn",
            "run",
            lambda r: r.thermal and r.thermal.epsilon,
        ),
    }
)
"""By name."""


def _parts(experiment: Experiment) -> Any:
    return experiment.scenario.sized


def _thermal(experiment: Experiment) -> Any:
    from scenarios.studies.thermal import thermal

    return thermal(experiment)


def _run(experiment: Experiment) -> Any:
    _reports(experiment)
    return experiment.run()


def _reports(experiment: Experiment) -> None:
    if not reports_mass(experiment.scenario):
        raise InputError(f"{experiment.scenario.name}: its campaign reports no mass")


def _heats(experiment: Experiment) -> None:
    from scenarios.studies.thermal import room_rise

    room_rise(experiment.scenario)


SOURCES: Mapping[str, Callable[[Experiment], Any]] = MappingProxyType(
    {"parts": _parts, "thermal": _thermal, "run": _run}
)
"""What can be computed of a scenario, cheapest first."""
_NEEDS: Mapping[str, Callable[[Experiment], None]] = MappingProxyType({"thermal": _heats, "run": _reports})


def refusal(experiment: Experiment, output: str) -> str:
    """Why a scenario has no such output, without computing it; empty if nothing is known against it."""
    try:
        _NEEDS.get(OUTPUTS[output].source, lambda _: None)(experiment)
    except TwinError as error:
        return str(error)
    return ""


def evaluate(experiment: Experiment, wanted: Sequence[str]) -> Values:
    """The wanted numbers of a scenario; NaN for one that it has not.

    Raises
    ------
    TwinError
        As its simulation or reduction says.
    """
    found: Values = {}
    for source, compute in SOURCES.items():
        names = [name for name in wanted if OUTPUTS[name].source == source]
        if names:
            made = compute(experiment)
            for name in names:
                value = OUTPUTS[name].of(made)
                found[name] = float("nan") if value is None else float(value)
    return {name: found[name] for name in wanted}
