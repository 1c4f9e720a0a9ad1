"""The list of well-known passwords, which comes with the package."""

from functools import cache
from importlib.resources import files

from auth.domain.password import PasswordPolicy


@cache
def password_policy() -> PasswordPolicy:
    """The policy over `well_known_passwords.txt`: whole passwords first, then words that a password is made around."""
    text = (files(__package__) / "well_known_passwords.txt").read_text("utf-8")
    phrases, words = text.split("# words\n")
    return PasswordPolicy(phrases=_entries(phrases), words=_entries(words))


def _entries(text: str) -> frozenset[str]:
    return frozenset(line for line in text.split("\n") if line and not line.startswith("#"))
