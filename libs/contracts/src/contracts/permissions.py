"""Roles, permissions, and which role is enough for which permission."""

from enum import StrEnum


class Role(StrEnum):
    """What a user is in an organisation (viewer < editor < admin) or on the whole platform (super_admin)."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"

    def at_least(self, other: "Role") -> bool:
        """Whether this role's rights include the other's."""
        return _RANK[self] >= _RANK[other]


class Permission(StrEnum):
    """`<resource>:{read,write,delete,admin}`; a resource has only those that something asks for."""

    ORGANISATIONS_READ = "organisations:read"
    ORGANISATIONS_WRITE = "organisations:write"
    MEMBERSHIPS_READ = "memberships:read"
    MEMBERSHIPS_WRITE = "memberships:write"
    MEMBERSHIPS_DELETE = "memberships:delete"
    INVITATIONS_READ = "invitations:read"
    INVITATIONS_WRITE = "invitations:write"
    INVITATIONS_DELETE = "invitations:delete"
    MODULES_READ = "modules:read"
    MODULES_WRITE = "modules:write"
    MODULES_DELETE = "modules:delete"
    MODULES_ADMIN = "modules:admin"
    CHATS_READ = "chats:read"
    CHATS_WRITE = "chats:write"
    CHATS_DELETE = "chats:delete"
    CHATS_ADMIN = "chats:admin"
    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    AGENTS_DELETE = "agents:delete"
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    RUNS_ADMIN = "runs:admin"
    OPERATIONS_ADMIN = "operations:admin"


_RANK = {role: rank for rank, role in enumerate(Role)}

_LEAST = {"read": Role.VIEWER, "write": Role.EDITOR, "delete": Role.EDITOR, "admin": Role.ADMIN}
"""The least role for each right, where the resource has no rule of its own below."""

_ONLY_ADMINS_CHANGE = frozenset({"organisations", "memberships", "invitations", "agents"})


def least_role(permission: Permission) -> Role:
    """The lowest role that has the permission."""
    resource, right = permission.split(":")
    if resource == "operations":
        return Role.SUPER_ADMIN
    if resource == "invitations" or (resource in _ONLY_ADMINS_CHANGE and right != "read"):
        return Role.ADMIN
    return _LEAST[right]


def allows(role: Role, permission: Permission) -> bool:
    """Whether the role has the permission. Ownership and shares are the service's own rules on top."""
    return role.at_least(least_role(permission))
