"""Imports point inward, and no service knows another: import-linter's contracts, written from the folders.

import-linter has no glob for its packages, so its settings are made anew for each run. Layers are optional here; that
each service has them is the rule of `tools.rooms`.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import tree

LIBRARIES = ("contracts", "chassis")

SETTINGS = """\
[importlinter]
root_packages = {packages}

[importlinter:contract:inward]
name = In each service: container, then entrypoints | adapters, application, kinds, domain
type = layers
containers = {services}
layers =
    (container)
    (entrypoints) | (adapters)
    (application)
    (kinds)
    (domain)

[importlinter:contract:apart]
name = No service imports another, nor the gateway; nor does the gateway import a service
type = independence
modules = {deployables}

[importlinter:contract:below]
name = Libraries import no service and no gateway
type = forbidden
source_modules = {libraries}
forbidden_modules = {deployables}

[importlinter:contract:plain]
name = Contracts do not import the chassis
type = forbidden
source_modules = contracts
forbidden_modules = chassis
"""


def settings(root: Path) -> str:
    """import-linter's ini for this checkout; lists are written one name a line."""
    packages = list(tree.packages(root))
    deployables = [name for name in packages if name not in LIBRARIES]
    lists = {
        "packages": packages,
        "services": [name for name in deployables if name in tree.services(root)],
        "deployables": deployables,
        "libraries": LIBRARIES,
    }
    return SETTINGS.format_map({key: "".join(f"\n    {name}" for name in names) for key, names in lists.items()})


def problems(root: Path) -> list[str]:
    """import-linter's whole report when a contract is broken or cannot be checked."""
    paths = [str(package.parent.resolve()) for package in tree.packages(root).values()]
    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder) / "importlinter.ini"
        ini.write_text(settings(root))
        linter = Path(sys.executable).with_name("lint-imports")
        result = subprocess.run(
            [sys.executable, linter, "--no-cache", "--no-logo", "--config", ini],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"},
            capture_output=True,
            text=True,
        )
    return [] if result.returncode == 0 else [result.stdout + result.stderr]
