"""What modules is told from outside."""

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Modules needs nothing but what every service needs."""
