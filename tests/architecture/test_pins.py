import pytest

from tools import pins

from .conftest import PIN, House


@pytest.mark.parametrize("name", ["dev", "tools", "gateway", "chats"])
def test_a_missing_file_of_pins_is_reported(name: str, house: House) -> None:
    (house.root / f"requirements/{name}.txt").unlink()
    assert pins.problems(house.root) == [f"requirements/{name}.txt is missing: make lock"]


@pytest.mark.parametrize(
    ("text", "offence"),
    [
        ("httpx==0.28.1\n", "httpx==0.28.1 has no hash"),
        (PIN.replace("0.28.1", "0.28.0"), "httpx==0.28.0 is not what development runs with"),
        (f"--index-url https://mirror.example/simple\n{PIN}", "'--index-url https://mirror.example/simple' is no pin"),
        (f"-e libs/chassis\n{PIN}", "'-e libs/chassis' is no pin"),
        (f"{PIN}httpx>=0.28\n", "'httpx>=0.28' is no pin"),
    ],
)
def test_a_line_that_is_not_a_hashed_pin_of_development_is_reported(text: str, offence: str, house: House) -> None:
    house.write("requirements/chats.txt", text)
    assert pins.problems(house.root) == [f"requirements/chats.txt: {offence}"]


def test_a_pin_may_carry_a_marker_and_several_hashes(house: House) -> None:
    text = (
        PIN.replace("0.28.1", "0.28.1 ; sys_platform == 'win32'").rstrip("\n") + f" \\\n    --hash=sha256:{'f' * 64}\n"
    )
    house.write("requirements/chats.txt", text)
    assert pins.problems(house.root) == []


def test_a_new_service_needs_its_pins(house: House) -> None:
    house.write("services/planets/src/planets/__init__.py")
    assert pins.problems(house.root) == ["requirements/planets.txt is missing: make lock"]
