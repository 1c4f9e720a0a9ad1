"""The tables of modules, as the statements name them. The migrations make them."""

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

modules = Table(
    "modules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

module_versions = Table(
    "module_versions",
    metadata,
    Column("module_id", Uuid, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("what", Text, nullable=False),
    Column("action", Text),
    Column("changed", ARRAY(Text), nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("agent_id", Uuid),
    Column("agent_version", Integer),
    Column("run_id", Uuid),
    Column("tool_call", Uuid),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("data", JSONB, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("org_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("reply", JSONB, nullable=False),
)
