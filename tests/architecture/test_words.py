import pytest

from tools import words

from .conftest import House

# Joined from halves, since the rule reads this file as well.
PHRASES = [
    ("Exactly", " once"),
    ("TO", "DO"),
    ("FIX", "ME: later"),
    ("share", "d/architecture.md"),
    ("/wor", "k/main"),
    ("iss", "ue #3"),
    ("/roo", "t/.cache"),
    ("see /hom", "e/ann/stoa"),
    ('"/User', 's/ann/stoa"'),
    ("https://py", "pi.org/simple"),
    ("files.pythonhost", "ed.org"),
    ("https://repo1.mav", "en.org/maven2"),
]


@pytest.mark.parametrize("halves", PHRASES, ids=lambda halves: halves[0])
@pytest.mark.parametrize("path", ["README.md", "requirements/dev.txt", "deploy/local/jgo.toml", ".ci/run"])
def test_a_phrase_that_must_not_occur_is_reported(halves: tuple[str, str], path: str, house: House) -> None:
    house.write(path, "fine\n" + "".join(halves) + "\n")
    offences = words.problems(house.root)
    assert [offence.split(" ")[0] for offence in offences] == [f"{path}:2:"]


@pytest.mark.parametrize(
    "phrase",
    ["once", "methodology", "a shared lock", "networks/all", "issues", "GET /api/home/x", "{base}/root/x", "Mavens"],
)
def test_a_phrase_that_only_resembles_one_passes(phrase: str, house: House) -> None:
    house.write("README.md", phrase)
    assert words.problems(house.root) == []


@pytest.mark.parametrize(
    ("path", "text", "offender"),
    [
        ("libs/chassis/src/chassis/utils.py", "", "utils"),
        ("gateway/src/gateway/a.py", "class StreamManager: ...", "StreamManager"),
        ("gateway/src/gateway/b.py", "class ChatDTO: ...", "ChatDTO"),
        ("services/planets/c.py", "async def common_part(): ...", "common_part"),
        ("tests/e2e/d.py", "class A:\n    def _parse_helper(self): ...", "_parse_helper"),
    ],
)
def test_a_name_that_says_nothing_is_reported(path: str, text: str, offender: str, house: House) -> None:
    house.write(path, text)
    [offence] = words.problems(house.root)
    assert f": {offender}: " in offence


@pytest.mark.parametrize(
    "text", ["def commonwealth(): ...", "class Managers: ...", "from contextlib import contextmanager"]
)
def test_a_name_that_only_resembles_one_passes(text: str, house: House) -> None:
    house.write("gateway/src/gateway/a.py", text)
    assert words.problems(house.root) == []
