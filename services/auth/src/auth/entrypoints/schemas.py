"""Bodies of the REST API of auth."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from auth.application.grants import Tokens
from auth.application.invite import Invited
from auth.application.views import InvitationView, MemberView, MeView, OrganisationView
from auth.domain import organisation, user
from auth.domain.email import LONGEST_EMAIL, normal_email
from auth.domain.membership import MemberRole
from contracts.permissions import Role

LONGEST_SECRET = 1024
"""Above what a password or token may have: they are refused by their own rules, this only bounds the work."""


def _email(text: str) -> str:
    address = normal_email(text)
    if address is None:
        raise PydanticCustomError("email", "an e-mail address is needed, e.g. ada@example.com")
    return address


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("printable", "control characters are not allowed")
    return text


Email = Annotated[
    str,
    StringConstraints(max_length=LONGEST_EMAIL),
    AfterValidator(_email),
    Field(description="Upper and lower case make no difference", json_schema_extra={"format": "email"}),
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=user.LONGEST_NAME),
    AfterValidator(_printable),
]
OrganisationName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=organisation.LONGEST_NAME),
    AfterValidator(_printable),
]
Password = Annotated[str, Field(max_length=LONGEST_SECRET, json_schema_extra={"format": "password"})]
Secret = Annotated[str, Field(max_length=LONGEST_SECRET)]
RoleName = Literal["viewer", "editor", "admin"]

_EMAIL, _PASSWORD = "ada@example.com", "seven owls over a quiet harbour"


def _strict(**example: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", hide_input_in_errors=True, json_schema_extra={"example": example})


class RegisterBody(BaseModel):
    """A new account. Without `invitation_token` it comes with an organisation of its own, with you as its admin."""

    model_config = _strict(email=_EMAIL, password=_PASSWORD, name="Ada Lovelace", organisation_name="Night Owl Touring")

    email: Email
    password: Password = Field(description="15 to 256 characters of any sort, not easy to guess", repr=False)
    name: Name
    organisation_name: OrganisationName | None = Field(default=None, description="Of no use with an invitation")
    invitation_token: Secret | None = Field(default=None, description="As the inviter was told it", repr=False)


class RegisteredBody(BaseModel):
    """The same for every address, so that nobody learns who has an account."""

    detail: Literal["If this address was free, the account is there now: sign in with it."] = (
        "If this address was free, the account is there now: sign in with it."
    )


class LoginBody(BaseModel):
    model_config = _strict(email=_EMAIL, password=_PASSWORD)

    email: Email
    password: Password = Field(repr=False)
    invitation_token: Secret | None = Field(
        default=None, description="Joins that organisation with the account you have, and goes there", repr=False
    )


class RefreshBody(BaseModel):
    model_config = _strict(refresh_token="AZpfK2-as-it-was-given")  # noqa: S106  an example

    refresh_token: Secret = Field(repr=False)


class TokensBody(BaseModel):
    """`expires_in`: seconds that the access token is good for. The refresh token is good once, within 30 days."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the word of RFC 6750
    expires_in: int
    refresh_token: str

    @classmethod
    def of(cls, tokens: Tokens) -> "TokensBody":
        return cls(access_token=tokens.access_token, expires_in=tokens.expires_in_s, refresh_token=tokens.refresh_token)


class MyOrganisationBody(BaseModel):
    id: UUID
    name: str


class MeBody(BaseModel):
    """You, in the organisation that your token is for."""

    id: UUID
    email: str
    name: str
    role: Role
    organisation: MyOrganisationBody

    @classmethod
    def of(cls, me: MeView) -> "MeBody":
        mine = MyOrganisationBody(id=me.organisation_id, name=me.organisation_name)
        return cls(id=me.user_id, email=me.email, name=me.name, role=me.role, organisation=mine)


class OrganisationBody(BaseModel):
    id: UUID
    name: str
    created_at: datetime
    revision: int

    @classmethod
    def of(cls, found: OrganisationView) -> "OrganisationBody":
        return cls(id=found.id, name=found.name, created_at=found.created_at, revision=found.revision)


class MemberBody(BaseModel):
    """`joined_at`: when the present membership was granted. `revision`: its ETag."""

    user_id: UUID
    email: str
    name: str
    role: MemberRole
    joined_at: datetime
    revision: int

    @classmethod
    def of(cls, member: MemberView) -> "MemberBody":
        return cls(
            user_id=member.user_id,
            email=member.email,
            name=member.name,
            role=member.role,
            joined_at=member.granted_at,
            revision=member.revision,
        )


class ChangeMemberBody(BaseModel):
    model_config = _strict(role="editor")

    role: RoleName


class InviteBody(BaseModel):
    model_config = _strict(email="grace@example.com", role="editor")

    email: Email
    role: RoleName


class InvitationBody(BaseModel):
    id: UUID
    email: str
    role: MemberRole
    status: Literal["open", "accepted", "revoked", "expired"]
    invited_by: UUID
    invited_at: datetime
    expires_at: datetime
    revision: int

    @classmethod
    def of(cls, invitation: InvitationView) -> "InvitationBody":
        return cls.model_validate(vars(invitation))


class InvitedBody(InvitationBody):
    """A new invitation. `token` is told in this answer only; a repeat with the same Idempotency-Key has null."""

    token: str | None

    @classmethod
    def telling(cls, invited: Invited) -> "InvitedBody":
        return cls.model_validate({**vars(invited.invitation), "token": invited.token})

    @classmethod
    def silent(cls, invited: Invited) -> "InvitedBody":
        return cls.model_validate({**vars(invited.invitation), "token": None})


class KeyBody(BaseModel):
    """A public signing key (RFC 7517, RFC 8037); `kid` is its thumbprint (RFC 7638)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"]
    alg: Literal["Ed25519"]


class KeySetBody(BaseModel):
    keys: list[KeyBody]
