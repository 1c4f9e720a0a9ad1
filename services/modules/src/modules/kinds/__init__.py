"""Kinds of modules. Each file here is one kind: it defines `KIND`, and being here is all that makes it known.

A file is named after its kind, with underscores for hyphens. Its data model may gain optional fields later; a field is
never removed, renamed or made narrower, since stored modules and their history hold it.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from modules.domain.kind import Kind

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""What people know a module by: 1 to 200 characters."""


class Data(BaseModel):
    """Base of data models and of the inputs of actions: frozen, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class NoInput(Data):
    """For actions that need nothing but the module."""


def all_kinds() -> Mapping[str, Kind[Any]]:
    """The kinds in this folder by name, in order of it. Raises LookupError for a file that does not define its kind."""
    found = {}
    for module in sorted(iter_modules(__path__), key=lambda module: module.name):
        kind = getattr(import_module(f"{__name__}.{module.name}"), "KIND", None)
        if not isinstance(kind, Kind) or kind.name != module.name.replace("_", "-"):
            raise LookupError(f"kinds/{module.name}.py must define KIND, named {module.name.replace('_', '-')!r}")
        found[kind.name] = kind
    return MappingProxyType(found)
