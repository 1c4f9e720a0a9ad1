"""The tables of agent, as the statements name them. The migrations make them."""

from sqlalchemy import ARRAY, JSON, BigInteger, Boolean, Column, DateTime, Integer, MetaData, Table, Text, Uuid

metadata = MetaData()

agents = Table(
    "agents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("step_limit", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("chat_id", Uuid, nullable=False),
    Column("agent_id", Uuid, nullable=False),
    Column("agent_version", Integer, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("text", Text, nullable=False),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("message_number", Integer),
    Column("open_chat", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("reply", Text),
    Column("reason", Text),
    Column("started_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("revision", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

run_leases = Table(
    "run_leases",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("chat_id", Uuid, nullable=False),
    Column("traceparent", Text),
    Column("epoch", BigInteger, nullable=False),
    Column("leased_until", DateTime(timezone=True), nullable=False),
)

run_steps = Table(
    "run_steps",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("result", JSON, nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False),
)

run_commands = Table(
    "run_commands",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("verdict", Text),
    Column("reply", JSON),
)

chats = Table(
    "chats",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("participants", ARRAY(Uuid), nullable=False),
    Column("agent_id", Uuid),
)

messages = Table(
    "messages",
    metadata,
    Column("chat_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("run_id", Uuid),
)

kinds = Table(
    "kinds",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("data_schema", JSON, nullable=False),
    Column("actions", JSON, nullable=False),
)

modules = Table(
    "modules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("state", JSON, nullable=False),
)
