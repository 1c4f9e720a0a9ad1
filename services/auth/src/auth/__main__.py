"""`python -m auth`: serve, migrate, and the repair of dead letters."""

from auth.container import build
from auth.settings import Settings
from chassis.cli import main
from chassis.serve import Service

if __name__ == "__main__":
    main(Service("auth", Settings, build))
