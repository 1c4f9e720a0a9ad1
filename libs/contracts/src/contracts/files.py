"""Where a kind's schema and example lie, and what the committed schema says."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from contracts.event import Event

HOME: Final = Path(__file__).parents[2]
"""The library's folder in a checkout: `libs/contracts`."""


@dataclass(frozen=True)
class Files:
    """The files beside the code, below `home`."""

    home: Path = HOME

    @property
    def catalogue(self) -> Path:
        """The generated page."""
        return self.home / "CATALOGUE.md"

    def schema(self, event: type[Event]) -> Path:
        """`schemas/<service>/<kind>.v<version>.json`."""
        return self._beside("schemas", event)

    def example(self, event: type[Event]) -> Path:
        """`examples/<service>/<kind>.v<version>.json`, written by hand."""
        return self._beside("examples", event)

    def present(self) -> frozenset[Path]:
        """Every schema and example that lies there."""
        return frozenset(path for folder in ("schemas", "examples") for path in (self.home / folder).glob("*/*"))

    def _beside(self, folder: str, event: type[Event]) -> Path:
        service, _, name = event.contract.kind.partition(".")
        return self.home / folder / service / f"{name}.v{event.contract.version}.json"


@cache
def schema(event: type[Event], mode: Literal["validation", "serialization"] = "validation") -> dict[str, Any]:
    """The JSON Schema of what the model accepts, or of what it writes; not to be changed."""
    return event.model_json_schema(mode=mode)


def schema_text(event: type[Event]) -> str:
    """The JSON Schema (draft 2020-12) of what the kind's readers accept, as it is committed."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": event.contract.schema_uri}
    return json.dumps(head | schema(event), indent=2, ensure_ascii=False) + "\n"
