import pytest

from tools import purity

from .conftest import House

DOMAIN = "services/chats/src/chats/domain"


@pytest.mark.parametrize(
    "statement",
    [
        "import pydantic",
        "import chassis.database",
        "import chassis.core_of_others",
        "from chassis import database",
        "from chats.application import ports",
        "from chats import settings",
        "from .. import settings",
        "from ..adapters.tables import chats",
        "import contracts.chats.v1",
        "from auth.domain import events",
        "if True:\n    import sqlalchemy",
    ],
)
def test_a_domain_that_imports_more_is_reported(statement: str, house: House) -> None:
    house.write(f"{DOMAIN}/chat.py", statement)
    assert len(purity.problems(house.root)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "import asyncio.queues",
        "from chassis.core.ids import new_id",
        "from chats.domain import events",
        "from . import errors",
    ],
)
def test_a_domain_imports_the_standard_library_the_core_and_itself(statement: str, house: House) -> None:
    house.write(f"{DOMAIN}/chat.py", statement)
    assert purity.problems(house.root) == []


def test_the_core_imports_nothing_of_the_chassis_around_it(house: House) -> None:
    house.write(
        "libs/chassis/src/chassis/core/ids.py", "import uuid\nimport chassis.core.clock\nimport chassis.logging\n"
    )
    assert [line.split(";")[0] for line in purity.problems(house.root)] == [
        "libs/chassis/src/chassis/core/ids.py:3: imports chassis.logging"
    ]


def test_a_new_service_is_checked_without_being_named(house: House) -> None:
    house.add_service("planets")
    house.write("services/planets/src/planets/domain/planet.py", "import httpx\n")
    assert [line.split(";")[0] for line in purity.problems(house.root)] == [
        "services/planets/src/planets/domain/planet.py:1: imports httpx"
    ]
