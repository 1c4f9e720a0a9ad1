import pytest

from auth.adapters.sealing import AesGcmSeal, CannotOpen

OLD, NEW = b"o" * 32, b"n" * 32


def test_what_was_sealed_is_opened_in_its_context_only() -> None:
    seal = AesGcmSeal([NEW])
    sealed = seal.seal(b"secret", b"here")
    assert b"secret" not in sealed
    assert seal.open(sealed, b"here") == b"secret"
    with pytest.raises(CannotOpen):
        seal.open(sealed, b"there")


def test_an_altered_or_short_text_is_not_opened() -> None:
    seal = AesGcmSeal([NEW])
    sealed = seal.seal(b"secret", b"")
    for damaged in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:20], b""):
        with pytest.raises(CannotOpen):
            seal.open(damaged, b"")


def test_a_new_key_seals_while_the_old_one_still_opens() -> None:
    before, after, later = AesGcmSeal([OLD]), AesGcmSeal([NEW, OLD]), AesGcmSeal([NEW])
    sealed = before.seal(b"secret", b"")
    assert after.open(sealed, b"") == b"secret"
    assert later.open(after.seal(b"secret", b""), b"") == b"secret"
    with pytest.raises(CannotOpen):
        later.open(sealed, b"")
