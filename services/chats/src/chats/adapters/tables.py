"""The tables of chats, as the statements name them. The migrations make them."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData()

chats = Table(
    "chats",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("participants", ARRAY(Uuid), nullable=False),
    Column("agent_id", Uuid),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("last_number", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("chat_id", Uuid, nullable=False),
    Column("org_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("author_kind", Text, nullable=False),
    Column("author_id", Uuid),
    Column("text", Text, nullable=False),
    Column("run_id", Uuid),
    Column("sent_at", DateTime(timezone=True), nullable=False),
)

agents = Table(
    "agents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("org_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("active", Boolean, nullable=False),
)
