"""Routes of chats."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from chassis.http.answers import created, ok
from chassis.http.door import Door, Doors
from chassis.http.pages import ListQuery, Paged
from chassis.http.problems import problems
from chassis.http.routing import Router
from chats.application.open_chat import OpenChat
from chats.application.ports import Transaction
from chats.application.send_message import SendMessage
from chats.application.use_cases import UseCases
from chats.application.views import GetChat, ListChats, ListMessages
from chats.domain.errors import (
    AgentUnknown,
    ChatNotFound,
    MayNotWrite,
    NotAParticipant,
    ParticipantUnknown,
    TooManyParticipants,
)
from chats.entrypoints.schemas import ChatBody, MessageBody, MessagesQuery, OpenChatBody, SendMessageBody

ChatsDoor = Door[Transaction]
ChatsDoors = Doors[Transaction]


def routes(use_cases: UseCases, doors: ChatsDoors) -> Router:
    """All routes under `/chats`."""
    router = Router(prefix="/chats", tags=["chats"])
    for add in (_open_chat, _list_chats, _get_chat, _send_message, _list_messages):
        add(router, use_cases, doors)
    return router


def _open_chat(router: Router, use_cases: UseCases, doors: ChatsDoors) -> None:
    refusals = problems(MayNotWrite, ParticipantUnknown, AgentUnknown, TooManyParticipants)

    @router.post("", status_code=201, response_model=ChatBody, responses=refusals)
    async def open_chat(body: OpenChatBody, door: Annotated[ChatsDoor, Depends(doors)]) -> Response:
        """Opens a chat. You take part in it; with `agent_id`, that agent answers what people write."""
        command = OpenChat(body.title, tuple(body.participants), body.agent_id)
        return await door.write(
            use_cases.open_chat,
            command,
            lambda chat: created(ChatBody.of(chat), at=f"/api/v1/chats/{chat.id}", etag=chat.revision),
        )


def _list_chats(router: Router, use_cases: UseCases, doors: ChatsDoors) -> None:
    @router.get("", response_model=Paged[ChatBody])
    async def list_chats(query: Annotated[ListQuery, Query()], door: Annotated[ChatsDoor, Depends(doors)]) -> Response:
        """The chats you take part in, the newest first."""
        page = door.page(query, sort="newest-first")
        return await door.read(
            use_cases.list_chats, ListChats(page), lambda found: door.listed(found, ChatBody.of, sort="newest-first")
        )


def _get_chat(router: Router, use_cases: UseCases, doors: ChatsDoors) -> None:
    @router.get("/{chat_id}", response_model=ChatBody, responses=problems(ChatNotFound, NotAParticipant))
    async def get_chat(chat_id: UUID, door: Annotated[ChatsDoor, Depends(doors)]) -> Response:
        """One chat. Only participants may read it."""
        return await door.read(
            use_cases.get_chat, GetChat(chat_id), lambda chat: ok(ChatBody.of(chat), etag=chat.revision)
        )


def _send_message(router: Router, use_cases: UseCases, doors: ChatsDoors) -> None:
    refusals = problems(ChatNotFound, NotAParticipant, MayNotWrite)

    @router.post("/{chat_id}/messages", status_code=201, response_model=MessageBody, responses=refusals)
    async def send_message(
        chat_id: UUID, body: SendMessageBody, door: Annotated[ChatsDoor, Depends(doors)]
    ) -> Response:
        """Writes in a chat. In a chat with an agent this starts a run; its reply comes as a message."""
        return await door.write(
            use_cases.send_message,
            SendMessage(chat_id, body.text),
            lambda message: created(MessageBody.of(message), at=f"/api/v1/chats/{chat_id}/messages"),
        )


def _list_messages(router: Router, use_cases: UseCases, doors: ChatsDoors) -> None:
    refusals = problems(ChatNotFound, NotAParticipant)

    @router.get("/{chat_id}/messages", response_model=Paged[MessageBody], responses=refusals)
    async def list_messages(
        chat_id: UUID, query: Annotated[MessagesQuery, Query()], door: Annotated[ChatsDoor, Depends(doors)]
    ) -> Response:
        """The messages of a chat by number, in either direction."""
        page = door.page(query, sort=query.order)
        return await door.read(
            use_cases.list_messages,
            ListMessages(chat_id, page, query.order == "newest-first"),
            lambda found: door.listed(found, MessageBody.of, sort=query.order),
        )
