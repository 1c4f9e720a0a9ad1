"""All that auth can do: what its door receives."""

from auth.application.change_role import ChangeRoleHandler
from auth.application.invite import InviteHandler
from auth.application.login import LoginHandler
from auth.application.logout import LogoutHandler
from auth.application.ports import AccessTokens, Passwords, Seal, Transactions
from auth.application.refresh import RefreshHandler
from auth.application.register import RegisterHandler
from auth.application.remove_member import RemoveMemberHandler
from auth.application.revoke_invitation import RevokeInvitationHandler
from auth.application.views import ListInvitationsHandler, get_me, get_member, get_organisation, list_members
from auth.domain.password import PasswordPolicy
from chassis.core import Clock


class UseCases:
    """Commands are handlers made once; reads need nothing and are plain functions.

    `register`, `login` and `refresh` take a context and make their own transactions: they come without a token, and
    the first two hash in between.
    """

    get_me = staticmethod(get_me)
    get_organisation = staticmethod(get_organisation)
    get_member = staticmethod(get_member)
    list_members = staticmethod(list_members)

    def __init__(
        self,
        clock: Clock,
        transactions: Transactions,
        *,
        policy: PasswordPolicy,
        passwords: Passwords,
        tokens: AccessTokens,
        seal: Seal,
    ) -> None:
        self.register = RegisterHandler(clock, transactions, policy, passwords)
        self.login = LoginHandler(clock, transactions, passwords, tokens)
        self.refresh = RefreshHandler(clock, transactions, tokens, seal)
        self.logout = LogoutHandler(clock)
        self.change_role = ChangeRoleHandler(clock)
        self.remove_member = RemoveMemberHandler(clock)
        self.invite = InviteHandler(clock)
        self.revoke_invitation = RevokeInvitationHandler(clock)
        self.list_invitations = ListInvitationsHandler(clock)
