"""What the tests of security share."""

import pytest

from ..stack import Stack
from .world import World


@pytest.fixture(scope="session")
def world(stack: Stack) -> World:
    """Two organisations with somebody for each column of the access matrix."""
    stack.healthy()
    return World(stack.url, lambda email: stack.execute("auth", "super-admins", "grant", email))
