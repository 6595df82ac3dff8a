"""Is the wheel whole? `PYTHONPATH=SITE python .ci/wheel_contents.py SITE`, with the wheel installed in the folder SITE.

Compares its files with the work tree, and loads every entry point of it.
"""

import sys
from importlib.metadata import distribution
from pathlib import Path

PACKAGES = {"twin", "components", "scenarios", "hw_bridge"}


def files(root: Path) -> set[str]:
    found = (path.relative_to(root) for package in PACKAGES for path in (root / package).rglob("*") if path.is_file())
    return {path.as_posix() for path in found if path.suffix != ".pyc"}


site, tree = Path(sys.argv[1]).resolve(), Path(__file__).resolve().parents[1]
shipped, written = files(site), files(tree)
folders = {path.name for path in site.iterdir() if path.is_dir() and path.suffix != ".dist-info"} - {"bin"}
scenario_files = [name for name in shipped if name.startswith("scenarios/library/") and name.endswith(".yaml")]

problems = [f"not in the wheel: {name}" for name in sorted(written - shipped)]
problems += [f"in the wheel, not in the tree: {name}" for name in sorted(shipped - written)]
if folders != PACKAGES:
    problems.append(f"import packages are {sorted(folders)}, not {sorted(PACKAGES)}")
if not scenario_files:
    problems.append("no scenarios/library/*.yaml in the wheel")

entry_points = distribution("kibble-twin").entry_points
for entry_point in entry_points:
    try:
        entry_point.load()
    except Exception as error:
        problems.append(f"{entry_point.group}: {entry_point.name} = {entry_point.value}: {error}")
    else:
        loaded_from = sys.modules[entry_point.module].__file__ or ""
        if not Path(loaded_from).is_relative_to(site):
            problems.append(f"{entry_point.module} was loaded from {loaded_from}, not from {site}")

if problems:
    sys.exit("\n".join(problems))
print(f"{len(shipped)} files, {len(scenario_files)} scenario files and {len(entry_points)} entry points are in order")
