"""`python -m <service>`: serve, migrate, and what else the service adds."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import structlog
import typer

from chassis.serve import ROLES, S, Service, serve
from chassis.settings import ProcessSettings, ServiceSettings, read_settings, refuse


def main(service: Service[S], *, groups: Mapping[str, typer.Typer] | None = None) -> None:
    """Runs the command line of a service. `groups` are further commands, each below its name."""
    command_line(service, groups or {})()


def command_line(service: Service[S], groups: Mapping[str, typer.Typer]) -> typer.Typer:
    """The commands of a service. `migrate` and the operators' groups are there for those with a database."""
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=f"The service {service.name}."
    )

    @app.callback()
    def every() -> None:
        """Settings come from STOA_* variables; a wrong or missing one is named and refused with exit code 78."""
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # `serve` sets up its own

    @app.command("serve")
    def serve_command(roles: Annotated[str, typer.Option(help="Which parts run here.")] = ",".join(ROLES)) -> None:
        """Run until told to stop: routes (api), consumers and runs (worker), the outbox's relay (relay)."""
        raise typer.Exit(serve(service, read_settings(service.settings), _roles(roles)))

    kind: type[ProcessSettings] = service.settings
    if issubclass(kind, ServiceSettings):
        app.command("migrate", help=migrate.__doc__)(lambda: migrate(service.name, kind))
        groups = {**_operators_groups(service, kind), **groups}
    for name, group in groups.items():
        app.add_typer(group, name=name)
    return app


def _operators_groups(service: Service[S], kind: type[ServiceSettings]) -> dict[str, typer.Typer]:
    """What an operator does at a shell, each below its name. Imported here: the gateway has no database driver."""
    from chassis.operations.consumers_commands import consumers
    from chassis.operations.dead_letters_commands import dead_letters
    from chassis.operations.outbox_commands import outbox
    from chassis.operations.projections_commands import projections

    return {
        "dead-letters": dead_letters(kind),
        "outbox": outbox(kind),
        "consumers": consumers(service.name, kind),
        "projections": projections(service, kind),
    }


def _roles(text: str) -> list[str]:
    found = [role.strip() for role in text.split(",")]
    unknown = set(found) - set(ROLES)
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))} is none of {', '.join(ROLES)}")
    return found


def migrate(service: str, kind: type[ServiceSettings]) -> None:
    """Bring the service's database to the newest schema, as the owner of its tables."""
    from chassis.migrations import upgrade  # Alembic is dear in memory: `serve` never imports it

    settings = read_settings(kind)
    if settings.database_owner_dsn is None:
        refuse(["STOA_DATABASE_OWNER_DSN: must be set to migrate"])
    upgrade(
        migrations_of(service),
        owner_dsn=settings.database_owner_dsn.get_secret_value(),
        dsn=settings.database_dsn.get_secret_value(),
        system_dsn=settings.database_system_dsn.get_secret_value(),
    )


def migrations_of(service: str) -> Path:
    """The folder of a service's migrations: inside the package when installed, beside `src` in a checkout."""
    spec = importlib.util.find_spec(service)
    if spec is None or spec.origin is None:
        raise LookupError(f"no package {service}")
    package = Path(spec.origin).parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"
