"""`python -m chats`: serve, migrate, and the repair of dead letters."""

from chassis.cli import main
from chassis.serve import Service
from chats.container import build
from chats.settings import Settings

if __name__ == "__main__":
    main(Service("chats", Settings, build))
