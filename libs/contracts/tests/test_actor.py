from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.actor import SystemActor, Through, UserActor, parse_actor

through = st.builds(Through, st.uuids(), st.integers(1, 999_999_999), st.uuids())
actors = st.builds(UserActor, st.uuids(), st.none() | through) | st.builds(
    SystemActor, st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
)


@given(actors)
def test_an_actor_survives_its_text(actor: UserActor | SystemActor) -> None:
    assert parse_actor(str(actor)) == actor


def test_a_user_through_an_agent_is_written_as_the_conventions_say() -> None:
    actor = UserActor(UUID(int=1), Through(UUID(int=2), 3, UUID(int=4)))
    nil = "00000000-0000-0000-0000-00000000000"
    assert str(actor) == f"user:{nil}1;agent:{nil}2@3;run:{nil}4"


@pytest.mark.parametrize("text", ["", "ada", "user:", "user:ada", "system:", "system:Modules", f"user:{UUID(int=1)};"])
def test_any_other_text_is_no_actor(text: str) -> None:
    with pytest.raises(ValueError, match="an actor is"):
        parse_actor(text)
