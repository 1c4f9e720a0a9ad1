from datetime import UTC, datetime
from uuid import UUID

from chassis.core import Err, Ok, new_id
from chats.domain.chat import MOST_PARTICIPANTS, Chat
from chats.domain.errors import NotAParticipant, TooManyParticipants
from chats.domain.events import ChatOpened, MessageSent
from chats.domain.message import AuthorKind

from ..builders import NOW, a_chat


def test_the_opener_takes_part_once_and_first() -> None:
    opener, other = new_id(), new_id()
    chat = a_chat(opener=opener, others=[other, opener, other])
    assert chat.participants == (opener, other)


def test_opening_is_the_first_event_and_the_first_revision() -> None:
    chat = a_chat()
    recorded = chat.take_recorded()
    assert [(type(item.event), item.sequence) for item in recorded] == [(ChatOpened, 1)]
    assert chat.revision == 1


def test_a_chat_with_too_many_participants_is_refused() -> None:
    refused = _open(others=[new_id() for _ in range(MOST_PARTICIPANTS)])
    assert refused == Err(TooManyParticipants(MOST_PARTICIPANTS))


def test_fifty_participants_are_not_too_many() -> None:
    assert isinstance(_open(others=[new_id() for _ in range(MOST_PARTICIPANTS - 1)]), Ok)


def test_messages_are_numbered_and_raise_the_sequence_but_not_the_revision() -> None:
    user = new_id()
    chat = a_chat(opener=user)
    for text in ("one", "two"):
        chat.send(user, text, run_id=None, now=NOW)
    events = [item.event for item in chat.take_recorded()[1:]]
    assert [event.message.number for event in events if isinstance(event, MessageSent)] == [1, 2]
    assert (chat.sequence, chat.revision) == (3, 1)


def test_somebody_who_takes_no_part_may_not_write() -> None:
    chat = a_chat()
    assert chat.send(new_id(), "hello", run_id=None, now=NOW) == Err(NotAParticipant())
    assert chat.last_number == 0


def test_a_reply_is_the_agents_and_a_note_is_the_systems() -> None:
    chat, agent, run = a_chat(), new_id(), new_id()
    reply = chat.reply(agent, "Done.", run_id=run, now=NOW)
    note = chat.note("The agent could not finish.", run_id=run, now=NOW)
    assert (reply.author.kind, reply.author.id, reply.run_id) == (AuthorKind.AGENT, agent, run)
    assert (note.author.kind, note.author.id, note.number) == (AuthorKind.SYSTEM, None, 2)
    assert chat.note("Grace has joined.", now=NOW).run_id is None


def _open(others: list[UUID]) -> object:
    return Chat.open(
        chat_id=new_id(),
        org_id=new_id(),
        title="Planning",
        opener=new_id(),
        others=others,
        agent_id=None,
        now=datetime(2026, 11, 21, tzinfo=UTC),
    )
