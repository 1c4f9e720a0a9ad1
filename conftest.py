"""What the tests of all packages share."""

import gc
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from local_stack.addresses import Addresses
from local_stack.backends import Backends

# Tests in these folders share one running system.
_SHARED = {
    "tests/chaos/test_short_run.py": "system",
    "tests/e2e/": "system",
    "tests/security/": "system",
    "deploy/local/": "local stack",
}
# Each test in this folder has a database and topics of its own and goes to the next free worker; all others are spread
# file by file.
_APART = "libs/chassis/tests/integration/"

gc.disable()  # until all tests are collected: what is collected stays to the end

_OF_ALL_WORKERS = pytest.StashKey[Backends]()


class _Groups(LoadScopeScheduling):
    """Which tests belong to one worker (`pytest -n 4`)."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid if nodeid.startswith(_APART) else nodeid.partition("::")[0]
        return next((group for folder, group in _SHARED.items() if path.startswith(folder)), path)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Groups:
    return _Groups(config, log)


def pytest_configure_node(node: WorkerController) -> None:
    """One pair of servers for all workers, which end with the process that leads them."""
    stash = node.config.stash
    if _OF_ALL_WORKERS not in stash:
        stash[_OF_ALL_WORKERS] = Backends().__enter__()
    node.workerinput["backends"] = asdict(stash[_OF_ALL_WORKERS].addresses)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _OF_ALL_WORKERS in config.stash:
        config.stash[_OF_ALL_WORKERS].__exit__(None, None, None)


@pytest.fixture(scope="session")
def backends(request: pytest.FixtureRequest) -> Iterator[Backends]:
    """PostgreSQL and Kafka: those of all workers, else the environment's, else those kept, else a pair of our own."""
    shared = getattr(request.config, "workerinput", {}).get("backends")
    with Backends(Addresses(**shared) if shared else None) as running:
        yield running
