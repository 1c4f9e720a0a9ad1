"""A small house that keeps every rule, for planting violations in."""

from pathlib import Path

import pytest

from tools import rooms

PIN = f"httpx==0.28.1 \\\n    --hash=sha256:{'0' * 64}\n"


class House:
    """A checkout in a temporary folder; `root` is what the rules are given."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for package in ("libs/contracts/src/contracts", "libs/chassis/src/chassis", "gateway/src/gateway"):
            self.write(f"{package}/__init__.py")
        for name in ("dev", "tools", "gateway"):
            self.write(f"requirements/{name}.txt", PIN)
        self.add_service("auth")
        self.add_service("chats")

    def write(self, path: str, text: str = "") -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def add_service(self, name: str) -> None:
        """Build the rooms of one service, so that the rules find it without being told."""
        package = [f"src/{name}/{entry}/{file}" for entry, files in rooms.PACKAGE.items() for file in files]
        package += [f"src/{name}/{entry}" for entry, files in rooms.PACKAGE.items() if not files]
        layers = [f"src/{name}/{entry}/__init__.py" for entry, files in rooms.PACKAGE.items() if files]
        tests = [f"tests/{file}" for file in rooms.TESTS] + [f"tests/{room}/test_it.py" for room in rooms.TEST_ROOMS]
        migration = f"migrations/versions/0001_pre_create_{name}.py"
        for file in [*rooms.BESIDE, *package, *layers, *tests, migration]:
            self.write(f"services/{name}/{file}")
        self.write(f"requirements/{name}.txt", PIN)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)
