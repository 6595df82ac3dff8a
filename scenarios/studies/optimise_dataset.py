"""All points of an optimisation as an xarray dataset, with the front marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.studies.dataset import attributes, coordinate
from scenarios.studies.optimise import Optimiser
from scenarios.studies.outputs import OUTPUTS

if TYPE_CHECKING:
    import xarray as xr


def dataset(search: Optimiser) -> xr.Dataset:
    """The points in the order in which they were asked for, on the dimension `point`.

    A variable for each output, NaN where there is none, beside `error` and `scenario_hash`; coordinates are the axes,
    `variant`, `generation`, `feasible` and `front`.
    """
    import xarray as xr

    study, members = search.study, search.members
    front = {member.point.number for member in search.front}
    data: dict[str, Any] = {
        name: (
            "point",
            np.array([member.row.values.get(name, np.nan) for member in members]),
            {"units": OUTPUTS[name].unit, "long_name": OUTPUTS[name].description},
        )
        for name in study.outputs
    }
    data["error"] = ("point", _texts([member.row.error for member in members]), {"long_name": "what went wrong"})
    data["scenario_hash"] = (
        "point",
        _texts([member.row.key for member in members]),
        {"long_name": "SHA-256 of the resolved scenario"},
    )
    rows = [[each.at(float(share)) for each, share in zip(study.axes, m.shares, strict=True)] for m in members]
    coordinates: dict[str, Any] = {}
    for i, each in enumerate(study.axes):
        coordinates |= coordinate(each, "point", [row[i] for row in rows])
    if study.variants:
        coordinates["variant"] = ("point", _texts([member.variant for member in members]))
    coordinates["generation"] = ("point", np.array([member.generation for member in members]))
    coordinates["feasible"] = ("point", np.array([int(member.excess == 0.0) for member in members]))
    coordinates["front"] = ("point", np.array([int(member.point.number in front) for member in members]))
    goals = {
        "objectives": [goal.text for goal in study.objectives],
        "constraints": [limit.text for limit in study.constraints] or "none",
    }
    return xr.Dataset(data, coords=coordinates, attrs={**attributes(study), **goals})


def _texts(values: list[str]) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=object)
