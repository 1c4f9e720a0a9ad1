from pathlib import Path

import pytest

from tools import imports

from .conftest import House

CHATS = "services/chats/src/chats"
PLANTED = [
    (f"{CHATS}/domain/a.py", "chats.application.ports"),
    (f"{CHATS}/domain/b.py", "chats.adapters.tables"),
    (f"{CHATS}/domain/c.py", "chats.kinds.song"),
    (f"{CHATS}/kinds/d.py", "chats.application.views"),
    (f"{CHATS}/application/e.py", "chats.adapters.tables"),
    (f"{CHATS}/application/f.py", "chats.entrypoints.schemas"),
    (f"{CHATS}/adapters/g.py", "chats.entrypoints.http"),
    (f"{CHATS}/entrypoints/h.py", "chats.adapters.publishing"),
    (f"{CHATS}/entrypoints/i.py", "chats.container"),
    (f"{CHATS}/domain/j.py", "auth.domain.events"),
    (f"{CHATS}/entrypoints/k.py", "gateway.routes"),
    ("gateway/src/gateway/l.py", "auth.settings"),
    ("libs/contracts/src/contracts/m.py", "chassis.clock"),
    ("libs/contracts/src/contracts/n.py", "gateway.routes"),
    ("libs/chassis/src/chassis/o.py", "auth.settings"),
    ("libs/chassis/src/chassis/p.py", "gateway.routes"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    house = House(tmp_path_factory.mktemp("house"))
    for path in (f"{CHATS}/kinds/__init__.py", f"{CHATS}/kinds/song.py", "gateway/src/gateway/routes.py"):
        house.write(path)
    house.write("libs/chassis/src/chassis/clock.py")
    for path, module in PLANTED:
        house.write(path, f"import {module}\n")
    return "\n".join(imports.problems(house.root))


@pytest.mark.parametrize(("path", "module"), PLANTED)
def test_an_import_that_points_outward_or_sideways_is_reported(path: str, module: str, report: str) -> None:
    importer = ".".join(Path(path).with_suffix("").parts).split("src.")[1]
    assert f"{importer} -> {module} (l.1)" in report


def test_an_import_by_a_detour_is_reported(house: House) -> None:
    house.write(f"{CHATS}/settings.py", "import chats.adapters.tables\n")
    house.write(f"{CHATS}/domain/chat.py", "import chats.settings\n")
    report = "\n".join(imports.problems(house.root))
    assert "chats.domain.chat -> chats.settings (l.1)" in report
    assert "chats.settings -> chats.adapters.tables (l.1)" in report


def test_a_new_service_is_checked_without_being_named(house: House) -> None:
    house.add_service("planets")
    house.write(
        "services/planets/src/planets/domain/planet.py", "import planets.adapters.tables\nimport auth.settings\n"
    )
    report = "\n".join(imports.problems(house.root))
    assert "planets.domain.planet -> planets.adapters.tables (l.1)" in report
    assert "planets.domain.planet -> auth.settings (l.2)" in report


def test_what_cannot_be_analysed_is_a_problem(house: House) -> None:
    house.write(f"{CHATS}/domain/chat.py", "import (\n")
    assert imports.problems(house.root)
