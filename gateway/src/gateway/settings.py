"""What the gateway is told: its replica's number and where the services are."""

import json
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from chassis.settings import ProcessSettings, Url
from gateway.routes import SERVICES


def _addresses(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('must be a JSON object, e.g. {"auth": "http://auth:8000"}') from None


def _complete(value: dict[str, str]) -> dict[str, str]:
    missing = sorted(SERVICES - value.keys())
    if missing:
        raise ValueError(f"names no address of {', '.join(missing)}")
    return value


class Settings(ProcessSettings):
    """Settings of one replica."""

    slot: Annotated[int, Field(ge=0)]
    """A number that no other running replica has: it makes this one a static member of the feed worker's group."""
    upstreams: Annotated[dict[str, Url], NoDecode, BeforeValidator(_addresses), AfterValidator(_complete)]
    """The address of each service, without a path."""
