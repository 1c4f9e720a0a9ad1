from itertools import pairwise

import pytest

from contracts.permissions import Permission, Role, allows, least_role


def test_each_role_includes_the_lower_ones() -> None:
    for lower, higher in pairwise([Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.SUPER_ADMIN]):
        assert higher.at_least(lower)
        assert higher.at_least(higher)
        assert not lower.at_least(higher)


@pytest.mark.parametrize("permission", Permission)
def test_what_a_role_may_a_higher_one_may_too(permission: Permission) -> None:
    rights = [allows(role, permission) for role in Role]
    assert rights == sorted(rights)
    assert allows(least_role(permission), permission)
    assert allows(Role.SUPER_ADMIN, permission)


@pytest.mark.parametrize(
    ("role", "permission", "allowed"),
    [
        (Role.VIEWER, Permission.MODULES_READ, True),
        (Role.VIEWER, Permission.MODULES_WRITE, False),
        (Role.VIEWER, Permission.CHATS_WRITE, False),
        (Role.VIEWER, Permission.RUNS_WRITE, False),
        (Role.VIEWER, Permission.INVITATIONS_READ, False),
        (Role.EDITOR, Permission.MODULES_WRITE, True),
        (Role.EDITOR, Permission.MODULES_DELETE, True),
        (Role.EDITOR, Permission.MODULES_ADMIN, False),
        (Role.EDITOR, Permission.RUNS_WRITE, True),
        (Role.EDITOR, Permission.AGENTS_WRITE, False),
        (Role.EDITOR, Permission.INVITATIONS_WRITE, False),
        (Role.EDITOR, Permission.MEMBERSHIPS_WRITE, False),
        (Role.ADMIN, Permission.INVITATIONS_WRITE, True),
        (Role.ADMIN, Permission.MEMBERSHIPS_DELETE, True),
        (Role.ADMIN, Permission.RUNS_ADMIN, True),
    ],
)
def test_rights_of_a_role(role: Role, permission: Permission, allowed: bool) -> None:
    assert allows(role, permission) is allowed


@pytest.mark.parametrize("permission", Permission)
def test_a_permission_is_a_resource_and_a_right(permission: Permission) -> None:
    resource, right = permission.split(":")
    assert resource.isalpha()
    assert right in {"read", "write", "delete", "admin"}
