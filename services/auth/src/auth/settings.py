"""What auth is told from outside."""

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Auth needs nothing but what every service needs."""
