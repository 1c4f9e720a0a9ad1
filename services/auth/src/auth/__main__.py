"""`python -m auth`: serve, migrate, what operators do, and who they are."""

from auth.container import build, operators_runner
from auth.entrypoints.super_admins import super_admins
from auth.settings import Settings
from chassis.cli import main
from chassis.serve import Service
from chassis.settings import read_settings

if __name__ == "__main__":
    groups = {"super-admins": super_admins(lambda: operators_runner(read_settings(Settings)))}
    main(Service("auth", Settings, build), groups=groups)
