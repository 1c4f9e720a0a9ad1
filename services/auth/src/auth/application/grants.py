"""What a sign-in and a refresh give."""

from dataclasses import dataclass, field
from datetime import timedelta

ACCESS_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True)
class Tokens:
    """`expires_in_s`: seconds that the access token is good for."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int = int(ACCESS_LIFETIME.total_seconds())
