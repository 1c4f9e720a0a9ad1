"""A trap of aiokafka: on uvloop, a connection that has just been closed refuses to be written to with a RuntimeError.

aiokafka 0.14 takes an OSError alone for a broken connection. Anything else ends the task that fetches, or that sends,
and nobody is told: the consumer stays a member of its group and hears nothing more. Here it is a KafkaConnectionError.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError


def _or_broken(send: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(send)
    def sent(self: AIOKafkaConnection, *given: Any, **named: Any) -> Any:
        try:
            return send(self, *given, **named)
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error

    return sent


_sends = {name: _or_broken(getattr(AIOKafkaConnection, name)) for name in ("send", "_send_sasl_token")}


def heed_closed_connections() -> None:
    """For all clients of this process, whoever makes them."""
    for name, send in _sends.items():
        setattr(AIOKafkaConnection, name, send)
