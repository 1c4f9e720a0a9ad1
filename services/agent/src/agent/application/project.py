"""Keeps what this service knows of chats, kinds and modules."""

from agent.application.ports import KnownChat, KnownMessage, KnownModule, Transaction
from agent.domain.tools import Kind
from chassis.core import Ok, Outcome


async def project_chat(tx: Transaction, chat: KnownChat) -> Outcome:
    tx.projections.put_chat(chat)
    return Ok(None)


async def project_message(tx: Transaction, message: KnownMessage) -> Outcome:
    tx.projections.put_message(message)
    return Ok(None)


async def project_kind(tx: Transaction, kind: Kind) -> Outcome:
    tx.projections.put_kind(kind)
    return Ok(None)


async def project_module(tx: Transaction, module: KnownModule) -> Outcome:
    tx.projections.put_module(module)
    return Ok(None)
