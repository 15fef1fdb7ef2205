"""Bodies with caps."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from api.config import Limits
from api.ingest.body import Inflated
from api.problem import ProblemError


def _inflate(body: bytes, limits: Limits, step: int = 1000) -> bytes:
    inflated = Inflated(limits)
    for i in range(0, len(body), step):
        inflated.feed(body[i : i + step])
    return inflated.done()


def test_gzip_comes_out_as_it_went_in() -> None:
    """A body in pieces of any size inflates to what was compressed, members joined."""
    text = b'{"device":"x","value":1.5}\n' * 5000
    assert _inflate(gzip.compress(text), Limits(), step=7) == text
    assert _inflate(gzip.compress(text) + gzip.compress(b"more"), Limits()) == text + b"more"


def test_a_bomb_is_refused_before_it_is_in_memory() -> None:
    """Zeros that shrink a thousand times are refused after about one MiB."""
    deflater = zlib.compressobj(9, wbits=31)
    bomb = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(200)) + deflater.flush()
    tracemalloc.start()
    try:
        with pytest.raises(ProblemError) as caught:
            _inflate(bomb, Limits(), step=64 * 1024)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.kind.status == 413
    assert peak < 10 << 20


def test_a_body_beyond_the_cap_is_refused_whatever_its_ratio() -> None:
    """The cap on inflated bytes holds for bodies that shrink little."""
    limits = Limits(inflated_bytes=2000)
    with pytest.raises(ProblemError) as caught:
        _inflate(gzip.compress(bytes(range(256)) * 10), limits)
    assert caught.value.kind.status == 413


# gzip writes the second it was made into its header: names of their own, or two test processes collect different tests
@pytest.mark.parametrize(
    "body", [b"not gzip", gzip.compress(b"x" * 1000)[:-4], b""], ids=["no gzip", "cut short", "empty"]
)
def test_broken_gzip_is_a_bad_request(body: bytes) -> None:
    """What is no gzip, or ends too early, is the sender's mistake."""
    with pytest.raises(ProblemError) as caught:
        _inflate(body, Limits())
    assert caught.value.kind.status == 400
