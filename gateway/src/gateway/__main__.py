"""`python -m gateway serve`."""

from chassis.cli import main
from chassis.serve import Service
from gateway.container import build
from gateway.settings import Settings

if __name__ == "__main__":
    main(Service("gateway", Settings, build))
