"""Topics of auth."""

from datetime import timedelta

from contracts.topics import CONTROL_PARTITIONS, Topic

USERS = Topic("auth-users", "aggregate", "user id", timedelta(days=30), "auth")
ORGANISATIONS = Topic("auth-organisations", "aggregate", "organisation id", timedelta(days=30), "auth")
MEMBERSHIPS = Topic("auth-memberships", "aggregate", "membership id", timedelta(days=30), "auth")
SIGN_INS = Topic("auth-sign-ins", "record", "user id, or the nil UUID where none is known", timedelta(days=30), "auth")
REVOCATIONS = Topic(
    "auth-revocations",
    "record",
    "revoked subject's, session's or organisation's id",
    timedelta(hours=1),
    "auth",
    CONTROL_PARTITIONS,
)
SNAPSHOTS = Topic("auth-snapshots", "record", "snapshot id", timedelta(days=1), "auth", CONTROL_PARTITIONS)
