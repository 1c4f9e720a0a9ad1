"""What the tests of all packages share."""

from collections.abc import Iterator

import pytest

from local_stack.backends import Backends

# Tests in these folders share one running system; all others can be spread over workers file by file.
_SHARED = {"tests/e2e": "system", "tests/security": "system", "deploy/local": "local stack"}


@pytest.hookimpl(tryfirst=True)  # before the workers' own hook, which reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Says which tests belong to one worker (`--dist loadgroup`)."""
    for item in items:
        path = item.path.relative_to(config.rootpath).as_posix()
        shared = [group for folder, group in _SHARED.items() if path.startswith(f"{folder}/")]
        item.add_marker(pytest.mark.xdist_group(shared[0] if shared else path))


@pytest.fixture(scope="session")
def backends() -> Iterator[Backends]:
    """PostgreSQL and Kafka: the environment's, those that run already, else a pair that ends with the session."""
    with Backends() as running:
        yield running
