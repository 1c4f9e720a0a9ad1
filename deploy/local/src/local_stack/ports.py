"""Free ports on the loopback interface, below the range from which the system takes those of outgoing connections.

A port of that range could be taken by some client between a crash of its owner and the restart.
"""

import random
import socket

_FIRST, _LAST = 20_000, 32_000


def free_ports(count: int) -> list[int]:
    """That many different ports on which nobody listens now."""
    candidates = iter(random.SystemRandom().sample(range(_FIRST, _LAST), _LAST - _FIRST))
    found: list[int] = []
    while len(found) < count:
        if is_free(port := next(candidates)):
            found.append(port)
    return found


def first_free(port: int) -> int:
    """This port, or the next one that is free."""
    while not is_free(port):
        port += 1
    return port


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
