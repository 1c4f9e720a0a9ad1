import pytest

from tools import limits

from .conftest import House

SOURCE, TEST = "services/chats/src/chats/domain/chat.py", "services/chats/tests/unit/test_it.py"


def function(lines: int) -> str:
    return "def first():\n" + "    pass\n" * (lines - 1)


@pytest.mark.parametrize(("path", "limit"), [(SOURCE, 250), (TEST, 400)])
def test_a_file_one_line_too_long_is_reported(path: str, limit: int, house: House) -> None:
    house.write(path, "pass\n" * limit)
    assert limits.problems(house.root) == []
    house.write(path, "pass\n" * (limit + 1))
    assert limits.problems(house.root) == [f"{path}: the file has {limit + 1} lines, allowed are {limit}"]


@pytest.mark.parametrize(("path", "limit"), [(SOURCE, 25), (TEST, 40)])
def test_a_function_one_line_too_long_is_reported(path: str, limit: int, house: House) -> None:
    house.write(path, function(limit))
    assert limits.problems(house.root) == []
    house.write(path, function(limit + 1))
    assert limits.problems(house.root) == [f"{path}:1: first has {limit + 1} lines, allowed are {limit}"]


def test_an_async_method_is_counted_from_its_def_and_not_from_its_decorator(house: House) -> None:
    body = "        pass\n" * 24
    house.write(SOURCE, f"class Chat:\n    @property\n    async def first(self):\n{body}")
    assert limits.problems(house.root) == []
    house.write(SOURCE, f"class Chat:\n    @property\n    async def first(self):\n{body}        pass\n")
    assert limits.problems(house.root) == [f"{SOURCE}:3: first has 26 lines, allowed are 25"]


@pytest.mark.parametrize(
    "folder", ["services/planets/src/planets", "gateway/src/gateway", "deploy/local", "tools", "new"]
)
def test_the_limit_holds_in_every_folder(folder: str, house: House) -> None:
    house.write(f"{folder}/long.py", function(26))
    assert limits.problems(house.root) == [f"{folder}/long.py:1: first has 26 lines, allowed are 25"]


def test_what_git_ignores_is_not_counted(house: House) -> None:
    house.write(".gitignore", ".venv/\n*.egg-info/\n")
    house.write(".venv/lib/long.py", function(26))
    house.write("libs/chassis/stoa.egg-info/long.py", function(26))
    assert limits.problems(house.root) == []
