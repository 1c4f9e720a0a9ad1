import shutil

import pytest

from tools import rooms

from .conftest import House

PLACES = [
    *sorted(rooms.BESIDE),
    "src/chats/container.py",
    "src/chats/domain/errors.py",
    "src/chats/entrypoints/kafka.py",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_missing_file_is_reported(place: str, house: House) -> None:
    (house.root / "services/chats" / place).unlink()
    assert rooms.problems(house.root) == [f"services/chats: {place} is missing"]


@pytest.mark.parametrize("room", sorted(rooms.TEST_ROOMS))
def test_a_room_without_a_test_is_reported(room: str, house: House) -> None:
    shutil.rmtree(house.root / "services/chats/tests" / room)
    assert rooms.problems(house.root) == [f"services/chats: tests/{room} has no test"]


@pytest.mark.parametrize(
    ("path", "offence"),
    [
        ("src/chats/services/chat.py", "src/chats/services is no room of a service"),
        ("src/chats/constants.py", "src/chats/constants.py is no room of a service"),
        ("tests/slow/test_it.py", "tests/slow is no room of its tests"),
        (
            "migrations/versions/add_title.py",
            "migrations/versions/add_title.py is not named <number>_<pre|post>_<what>.py",
        ),
    ],
)
def test_a_strange_room_or_name_is_reported(path: str, offence: str, house: House) -> None:
    house.write(f"services/chats/{path}")
    assert rooms.problems(house.root) == [f"services/chats: {offence}"]


def test_a_service_may_have_kinds(house: House) -> None:
    house.write("services/chats/src/chats/kinds/song.py")
    assert rooms.problems(house.root) == []


def test_a_new_service_is_checked_without_being_named(house: House) -> None:
    house.write("services/planets/src/planets/domain/events.py")
    offences = rooms.problems(house.root)
    assert "services/planets: src/planets/domain/errors.py is missing" in offences
    assert all(offence.startswith("services/planets: ") for offence in offences)
