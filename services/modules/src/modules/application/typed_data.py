"""Between JSON and the typed data of a kind: what clients and agents send is checked here, whatever door it came by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chassis.core import Err, Ok, Result
from chassis.http.failures import FieldError, InvalidInput
from chassis.http.validation import failure_of

MAX_BYTES = 262_144
"""Of a module's data as JSON: events, replies and versions carry all of it."""

_TOLD = 5


@dataclass(frozen=True)
class InvalidData(InvalidInput):
    """Says in words what is wrong too, for those who get no list of errors: an agent's reply has none."""

    slug = "invalid-data"
    title = "The data breaks a rule of the module's kind"

    @property
    def detail(self) -> str:
        told = "; ".join(f"{error.pointer}: {error.detail}" for error in self.errors[:_TOLD])
        left = len(self.errors) - _TOLD
        return f"{told}; and {left} more" if left > 0 else told


def read(model: type[object], given: Mapping[str, Any], *, at: str) -> Result[Any]:
    """The model's object from JSON. `at` is the member of the request that holds it: pointers begin with it.

    Types must be those of the schema: no number is made of a text. Refused: InvalidData.
    """
    if _holds_nul(given):
        return Err(InvalidData((FieldError(f"/{at}", "nul-character", "NUL characters are not allowed"),)))
    try:
        found = _adapter(model).validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        return Err(_refusal(error, at))
    size = len(_adapter(model).dump_json(found))
    if size > MAX_BYTES:
        detail = f"it has {size} bytes as JSON; at most {MAX_BYTES} are allowed"
        return Err(InvalidData((FieldError(f"/{at}", "too-large", detail),)))
    return Ok(found)


def stored(model: type[object], data: Mapping[str, Any]) -> Any:
    """The model's object from what was stored once. Raises ValidationError when the model has become narrower."""
    return _adapter(model).validate_python(data)


def to_json(data: Any) -> dict[str, Any]:
    """The data as JSON values."""
    made: dict[str, Any] = _adapter(type(data)).dump_python(data, mode="json")
    return made


def schema(model: type[object]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of what clients send."""
    return _adapter(model).json_schema()


_adapters: dict[type[object], TypeAdapter[Any]] = {}


def _adapter(model: type[object]) -> TypeAdapter[Any]:
    """Made once for each model: that is dear."""
    found = _adapters.get(model)
    if found is None:
        found = _adapters[model] = TypeAdapter(model)
    return found


def _refusal(error: ValidationError, at: str) -> InvalidData:
    found = error.errors(include_url=False, include_input=False)
    placed: Sequence[Mapping[str, Any]] = [{**one, "loc": ("body", at, *_place(one["loc"]))} for one in found]
    failure = failure_of(placed)
    return InvalidData(failure.errors if isinstance(failure, InvalidInput) else ())


def _place(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where pydantic found it; for a wrong key of a dictionary that is the entry, as no pointer names a key alone."""
    return loc[:-1] if loc[-1:] == ("[key]",) else loc


def _holds_nul(value: Any) -> bool:
    """PostgreSQL keeps no NUL in a text, and an agent's command did not pass the strict reader of requests."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_holds_nul(key) or _holds_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_holds_nul(inner) for inner in value)
