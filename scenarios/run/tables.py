"""A run's readings as a table of comma-separated values, and as a MATLAB file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scenarios.run.export import ENGINE
from twin.recorder import Blocks
from twin.times import NS

COLUMNS = ("time_s", "aperture_s", "channel", "quantity", "unit", "value")
LONGEST_NAME = 63
"""Of a variable or a field in MATLAB."""


def write_csv(readings: Blocks, path: Path) -> None:
    """Write a row for each reading: when its aperture has its middle, what was read, and the labels of its block."""
    import pandas as pd

    labels = list(dict.fromkeys(key for block in readings for key in block.labels))
    pd.DataFrame(columns=[*COLUMNS, *labels]).to_csv(path, index=False)
    for block in readings:
        about = (block.aperture / NS, block.channel, block.quantity, block.unit)
        frame: dict[str, Any] = dict(zip(COLUMNS, (block.times().ravel(), *about, block.values.ravel()), strict=True))
        frame |= {key: block.labels.get(key, "") for key in labels}
        pd.DataFrame(frame).to_csv(path, index=False, header=False, mode="a")


def write_mat(run: Path, path: Path) -> None:
    """Write the variables of a run's netCDF file as structures: `values` (records, bursts, readings), times and labels.

    Parameters
    ----------
    run : the netCDF file.
    path : the MATLAB file, of version 5.
    """
    import xarray as xr
    from scipy.io import savemat

    with xr.open_dataset(run, engine=ENGINE) as data:
        variables = {str(name)[:LONGEST_NAME]: _structure(data, variable) for name, variable in data.data_vars.items()}
        about = {name: str(data.attrs[name]) for name in ("title", "source", "scenario_hash", "scenario")}
    savemat(path, {**variables, "run": about}, long_field_names=True, do_compression=True, oned_as="column")


def _structure(data: Any, variable: Any) -> dict[str, Any]:
    """What MATLAB gets of a variable."""
    about, stem = variable.attrs, variable.attrs["records"]
    times = {f"{key}_s": float(about[f"{key}_ns"]) / NS for key in ("step", "every", "aperture")}
    own = [name for name in data.coords if str(name).startswith(f"{stem}_")]
    labels = {
        str(name).removeprefix(f"{stem}_")[:LONGEST_NAME]: np.asarray(
            data[name].values, dtype=object if data[name].dtype.kind in "OU" else None
        )
        for name in own
        if data[name].dims == (f"{stem}_record",)
    }
    known = {key: str(about[key]) for key in ("channel", "quantity", "units")}
    return {"values": np.asarray(variable.values), **known, **times, **labels}
