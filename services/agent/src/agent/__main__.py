"""`python -m agent`: serve, migrate, and the repair of dead letters."""

from agent.container import build
from agent.settings import Settings
from chassis.cli import main
from chassis.serve import Service

if __name__ == "__main__":
    main(Service("agent", Settings, build))
