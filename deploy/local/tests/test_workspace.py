import re
import socket
from pathlib import Path

from jgo.env import EnvironmentSpec, LockFile

from local_stack.paths import JARS_LOCK, JARS_WANTED, Workspace
from local_stack.ports import first_free, free_ports

from . import dummies


def test_services_are_the_folders_that_can_be_run(tmp_path: Path) -> None:
    dummies.build(tmp_path)
    assert Workspace(tmp_path, tmp_path).services() == ("alpha", "beta")
    assert Workspace(tmp_path, tmp_path).has_gateway()


def test_a_new_service_is_found_without_being_listed(tmp_path: Path) -> None:
    dummies.build(tmp_path)
    package = tmp_path / "services" / "gamma" / "src" / "gamma"
    package.mkdir(parents=True)
    (package / "__main__.py").touch()
    assert "gamma" in Workspace(tmp_path, tmp_path).services()


def test_ports_are_free_and_different() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert first_free(taken.getsockname()[1]) > taken.getsockname()[1]


def test_the_lock_names_every_jar_with_its_hash_and_no_host() -> None:
    locked = LockFile.load(JARS_LOCK).dependencies
    assert all(re.fullmatch("[0-9a-f]{64}", dependency.sha256 or "") for dependency in locked)
    assert "//" not in JARS_LOCK.read_text()
    assert "//" not in JARS_WANTED.read_text()


def test_the_lock_holds_the_wanted_versions() -> None:
    locked = {f"{entry.groupId}:{entry.artifactId}:{entry.version}" for entry in LockFile.load(JARS_LOCK).dependencies}
    assert {coordinate.rstrip("!") for coordinate in EnvironmentSpec.load(JARS_WANTED).coordinates} <= locked


def test_broker_and_clients_are_of_one_version() -> None:
    locked = LockFile.load(JARS_LOCK).dependencies
    assert {entry.version for entry in locked if entry.groupId == "org.apache.kafka"} == {"4.3.1"}
