"""API keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.security.keys import create_key, split_key, usable

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_new_key_opens_with_its_text_and_keeps_no_secret() -> None:
    """The owner's text fits; the record holds only a digest."""
    key, text = create_key("gateway", ["ingest"], ["air"], now=NOW)
    key_id, secret = split_key(text)
    assert key_id == key.key_id
    assert usable(key, secret, NOW)
    assert secret.encode() not in key.secret_hash
    assert secret not in repr(key)


def test_wrong_expired_revoked_and_unknown_keys_do_not_open() -> None:
    """Each of them is refused."""
    key, text = create_key("gateway", ["ingest"], ["air"], now=NOW, expires_at=NOW + timedelta(days=1))
    secret = split_key(text)[1]
    assert not usable(key, secret + "x", NOW)
    assert not usable(key, secret, NOW + timedelta(days=1))
    assert not usable(replace(key, revoked_at=NOW), secret, NOW)
    assert not usable(None, "", NOW)


@pytest.mark.parametrize("text", ["", ".", "a.", ".b", "ab", "a." + "b" * 300])
def test_texts_of_another_form_are_no_keys(text: str) -> None:
    """They are not even looked up."""
    assert split_key(text) == ("", "")
