import pytest

from auth.adapters.well_known_passwords import password_policy
from auth.domain.errors import PasswordGuessable, PasswordTooLong, PasswordTooShort
from auth.domain.password import LEAST, MOST, normal_password
from chassis.core import Err, Ok

ABOUT = ("ada.lovelace@night-owl.example", "Ada Lovelace", "Night Owl Touring")


@pytest.mark.parametrize(
    "password",
    [
        "seven owls over a quiet harbour",
        "the monkey plays football with a dragon",
        "Ada likes long walks by the sea",
        "password of my grandmother's cat",
        "kXw9#vT2!qLm4Zr",
        "8302 5561 9947 20",
        "eeeeeeeeeeeeeea",
        " " * 5 + "spaces count" + " " * 5,
        "пароль из многих слов",
        "🦉🦊🐻🐼🦁🐯🐨🐷🐸🐵🦄🐝🐢🐙🦋",
    ],
)
def test_a_password_that_is_long_and_not_easy_to_guess_is_accepted(password: str) -> None:
    assert password_policy().check(password, context=ABOUT) == Ok(None)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "Correct-Horse-Battery-Staple!",
        "correcthorsebatterystaple",
        "qwertyuiopasdfgh",
        "QWERTYUIOP[]asdfghjkl",
        "1q2w3e4r5t6y7u8i",
        "aaaaaaaaaaaaaaaaaa",
        "abcabcabcabcabcabc",
        "1234567890123456",
        "9876543210987654",
        "abcdefghijklmnopq",
        "zyxwvutsrqponmlk",
        "password12345678",
        "Password!Password!",
        "!!!Welcome 2026!!!",
        "AdaLovelace1815!",
        "ada.lovelace2026",
        "lovelace-lovelace",
        "NightOwlTouring1",
        "stoastoastoastoa",
    ],
)
def test_what_an_attacker_would_try_first_is_refused(password: str) -> None:
    refused = password_policy().check(password, context=ABOUT)
    assert isinstance(refused, Err)
    assert isinstance(refused.failure, PasswordGuessable)
    assert password not in refused.failure.detail


def test_the_length_is_counted_in_characters() -> None:
    policy = password_policy()
    assert policy.check("é" * (LEAST - 2) + "a", context=()) == Err(PasswordTooShort(LEAST))
    assert policy.check("ab" * (MOST // 2) + "c", context=()) == Err(PasswordTooLong(MOST))
    assert policy.check("quiet harbour 7 owls over the sea, " * 2, context=()) == Ok(None)


def test_two_ways_to_type_one_password_are_one_password() -> None:
    assert normal_password("cafe\u0301") == normal_password("caf\u00e9")
    assert normal_password("\uff50\uff57") == "pw"


def test_the_longest_passwords_are_checked_in_no_time() -> None:
    words = " ".join(f"word{number}" for number in range(100))
    for password in ("a" * MOST, "ab" * (MOST // 2), "a" * (MOST - 1) + "b"):
        password_policy().check(password, context=(words,))


def test_the_list_holds_what_the_policy_compares_with() -> None:
    policy = password_policy()
    assert len(policy.phrases) > 200
    assert len(policy.words) > 100
    for entry in (*policy.phrases, *policy.words):
        assert entry == entry.casefold()
        assert entry.isalnum()
