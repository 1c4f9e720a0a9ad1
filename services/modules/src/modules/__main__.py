"""`python -m modules`: serve, migrate, and the repair of dead letters."""

from chassis.cli import main
from chassis.serve import Service
from modules.container import build
from modules.settings import Settings

if __name__ == "__main__":
    main(Service("modules", Settings, build))
