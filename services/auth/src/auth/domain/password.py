"""Which passwords are accepted: the rules of NIST SP 800-63B-4, section 3.1.1.2, for a password as the only factor.

Long enough, not guessable, and nothing else: no demand for digits or signs, which makes passwords worse.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from auth.domain.errors import PasswordGuessable, PasswordTooLong, PasswordTooShort
from chassis.core import Err, Ok, Result

LEAST = 15
MOST = 256
_LEAST_BESIDE_A_WORD = 12
_FEWEST_LETTERS = 6
_SHORTEST_CONTEXT_WORD = 3


def normal_password(text: str) -> str:
    """NFKC (Unicode annex 15), so that the same keys on another keyboard make the same password."""
    return unicodedata.normalize("NFKC", text)


@dataclass(frozen=True)
class PasswordPolicy:
    """`phrases`: well-known passwords. `words`: those that with a few more letters or digits make one.

    Both hold lower-case letters and digits only.
    """

    phrases: Collection[str]
    words: Collection[str]

    def check(self, password: str, *, context: Collection[str]) -> Result[None]:
        """`context`: what an attacker knows of the user, like address and names; every word of it counts.

        Refused: PasswordTooShort, PasswordTooLong, PasswordGuessable.
        """
        if len(password) < LEAST:
            return Err(PasswordTooShort(LEAST))
        if len(password) > MOST:
            return Err(PasswordTooLong(MOST))
        plain = _plain(password)
        if plain in self.phrases:
            return Err(PasswordGuessable("it is on the list of well-known passwords"))
        if _is_repetition(password.casefold()) or (plain and (_is_repetition(plain) or _is_sequence(plain))):
            return Err(PasswordGuessable("it is a repetition or a sequence"))
        if any(_is_little_more_than(word, plain) for word in self.words):
            return Err(PasswordGuessable("it is little more than a word of well-known passwords"))
        if any(_is_little_more_than(word, plain) for word in _context_words(context)):
            return Err(PasswordGuessable("it is little more than your name, your address or this product's name"))
        return Ok(None)


def _plain(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def _context_words(context: Collection[str]) -> set[str]:
    parts = {"stoa", *(_plain(text) for text in context)}
    for text in context:
        parts.update(_plain(part) for part in re.split(r"[\W_]+", text))
    return {part for part in parts if len(part) >= _SHORTEST_CONTEXT_WORD}


def _is_repetition(text: str) -> bool:
    """Whether a part that is too short for a password is said twice or more often ("abcabcab")."""
    longest = min(LEAST - 1, len(text) // 2)
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, longest + 1))


def _is_sequence(plain: str) -> bool:
    """Whether each sign is the next in the alphabet or among the digits, in either direction ("123456789012345")."""
    steps = {(ord(b) - ord(a)) % (10 if (a + b).isdecimal() else 26) for a, b in pairwise(plain)}
    return len(steps) == 1 and steps <= {1, 9, 25}


def _is_little_more_than(word: str, plain: str) -> bool:
    """Whether beside the word there are only some digits and a few letters."""
    if word not in plain:
        return False
    rest = plain.replace(word, "")
    letters = sum(not sign.isdigit() for sign in rest)
    return len(rest) < _LEAST_BESIDE_A_WORD and letters < _FEWEST_LETTERS
