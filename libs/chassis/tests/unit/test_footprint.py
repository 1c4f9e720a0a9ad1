"""What a serving process does not load: it would hold the memory for nothing."""

import subprocess
import sys


def loaded(imports: str) -> set[str]:
    script = f"import sys, {imports}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(found.stdout.split())


def test_a_serving_process_loads_neither_migrations_nor_exporters() -> None:
    assert not loaded("chassis.cli, chassis.wiring") & {"alembic", "opentelemetry.exporter", "local_stack", "pytest"}


def test_the_command_line_of_a_process_without_a_database_loads_no_driver() -> None:
    assert not loaded("chassis.cli") & {"sqlalchemy", "asyncpg"}


def test_a_process_without_a_database_loads_none_of_it() -> None:
    without = loaded("chassis.serve, chassis.http.app, chassis.http.identity, chassis.kafka.revocations")
    assert not without & {"sqlalchemy", "asyncpg", "alembic", "faststream"}
