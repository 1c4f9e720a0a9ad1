"""E-mail addresses, as far as they name accounts."""

import re

LONGEST_EMAIL = 254
"""RFC 5321, section 4.5.3.1.3, less the angle brackets."""

_LOCAL = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){_LOCAL}@(?:{_LABEL}\.)+{_LABEL}")


def normal_email(text: str) -> str | None:
    """The address in lower case without surrounding blanks; None when it has not the form of one.

    The dot-atom form of RFC 5322 in ASCII, with a domain of two labels at least. Upper and lower case name one account:
    no mail provider in use tells them apart, and two accounts that look alike would invite fraud.
    """
    address = text.strip().lower()
    if len(address) > LONGEST_EMAIL or not address.isascii() or not _ADDRESS.fullmatch(address):
        return None
    return address
