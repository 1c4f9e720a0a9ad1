"""What chats is told from outside."""

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Chats needs nothing but what every service needs."""
