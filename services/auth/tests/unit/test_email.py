import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domain.email import normal_email


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada.Lovelace+tour@Example.CO.uk ", "ada.lovelace+tour@example.co.uk"),
        ("o'hara@xn--bcher-kva.example", "o'hara@xn--bcher-kva.example"),
    ],
)
def test_upper_case_and_blanks_around_do_not_count(text: str, address: str) -> None:
    assert normal_email(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@example..com",
        ".ada@example.com",
        "ada.@example.com",
        "a..b@example.com",
        "ada@-example.com",
        "ada @example.com",
        "ada@exam ple.com",
        "ada@example.com, eve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        '"ada"@example.com',
        "аda@example.com",
        "ada@bücher.example",
        "a" * 65 + "@example.com",
        "ada@" + "a" * 64 + ".com",
        "ada@" + "a.b" * 100 + ".com",
        "ada@example.com\x00",
    ],
)
def test_what_has_not_the_form_of_an_address_is_none(text: str) -> None:
    assert normal_email(text) is None


@given(st.text(max_size=300))
def test_the_normal_form_is_its_own_normal_form(text: str) -> None:
    address = normal_email(text)
    assert address is None or normal_email(address) == address
