"""From pydantic's findings to problems: which field, which rule, never the value."""

from collections.abc import Mapping, Sequence
from typing import Any

from chassis.core.errors import Failure
from chassis.http.failures import FieldError, InvalidInput, MalformedJson, NotFound

MAX_ERRORS = 50


def failure_of(errors: Sequence[Mapping[str, Any]]) -> Failure:
    """The failure that answers a request whose parts broke rules.

    A path that cannot name anything (an id that is no UUID) is not found: existence comes before the rest.
    """
    first = errors[0]
    if first["type"] == "json_invalid":
        return MalformedJson(f"{first['ctx']['error']} at byte {first['loc'][-1]}")
    in_path = [error for error in errors if error["loc"][0] == "path"]
    if in_path:
        return NotFound(f"{in_path[0]['loc'][-1]} has not the form of an id")
    return InvalidInput(tuple(_field(error) for error in errors[:MAX_ERRORS]))


def _field(error: Mapping[str, Any]) -> FieldError:
    where, *rest = error["loc"]
    path = [str(part).replace("~", "~0").replace("/", "~1") for part in rest]
    pointer = {"body": "".join(f"/{part}" for part in path), "query": f"?{'.'.join(path)}"}.get(where, "/".join(path))
    detail = error["msg"].removeprefix("Value error, ")
    return FieldError(pointer, error["type"].replace("_", "-"), detail)
