"""Reads a request's body with caps on what is sent, what it inflates to, and how much it inflates."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from starlette.requests import Request

from api.config import MIB, Limits
from api.problem import BAD_REQUEST, MEDIA, TOO_LARGE, TOO_SLOW, ProblemError

#: zlib's word for "a gzip header and trailer are expected" (zlib.h, inflateInit2: 16 + window bits).
_GZIP = 16 + zlib.MAX_WBITS
#: What is inflated at a time, in bytes: bounds what a bomb can put into memory before it is seen.
_STEP = 64 * 1024
#: A body comes within this time, in seconds, or its sender holds a connection for nothing.
PATIENCE_S = 30.0


async def read_body(request: Request, cap: int) -> bytes:
    """Give the body as it was sent; raises ProblemError 413 before more than `cap` bytes are kept."""
    return b"".join([chunk async for chunk in _capped(request, cap)])


async def read_unpacked(request: Request, limits: Limits) -> bytes:
    """Give the body after Content-Encoding (gzip or none); raises ProblemError 400, 413 or 415."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return await read_body(request, limits.body_bytes)
    if encoding not in {"gzip", "x-gzip"}:
        raise ProblemError(MEDIA, f"Content-Encoding {encoding[:20]!r}: use gzip or none", field="content-encoding")
    inflated = Inflated(limits)
    async for chunk in _capped(request, limits.body_bytes):
        inflated.feed(chunk)
    return inflated.done()


class Inflated:
    """A gzip body while it comes in; several gzip members after another are one body (RFC 1952 2.2)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inflater = zlib.decompressobj(_GZIP)
        self._parts: list[bytes] = []
        self._taken = 0
        self._given = 0

    def feed(self, chunk: bytes) -> None:
        """Inflate a piece, stopping as soon as a cap is passed."""
        self._taken += len(chunk)
        while chunk:
            if self._inflater.eof:
                self._inflater = zlib.decompressobj(_GZIP)
            try:
                part = self._inflater.decompress(chunk, _STEP)
            except zlib.error as error:
                raise ProblemError(BAD_REQUEST, "the body is not gzip as declared", reason="bad_encoding") from error
            self._keep(part)
            chunk = self._inflater.unconsumed_tail or self._inflater.unused_data

    def done(self) -> bytes:
        """Give all of it; raises ProblemError 400 when the end is missing."""
        if not self._inflater.eof:
            raise ProblemError(BAD_REQUEST, "the gzip body ends too early", reason="bad_encoding")
        return b"".join(self._parts)

    def _keep(self, part: bytes) -> None:
        self._given += len(part)
        too_dense = self._given > MIB and self._given > self._taken * self._limits.inflate_ratio
        if too_dense or self._given > self._limits.inflated_bytes:
            raise _too_large(self._limits.inflated_bytes, "after decompression")
        self._parts.append(part)


async def _capped(request: Request, cap: int) -> AsyncIterator[bytes]:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > cap:
        raise _too_large(cap, "as sent")
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    taken = 0
    chunks = request.stream()
    while (chunk := await _next(chunks, deadline)) is not None:
        taken += len(chunk)
        if taken > cap:
            raise _too_large(cap, "as sent")
        yield chunk


async def _next(chunks: AsyncIterator[bytes], deadline: float) -> bytes | None:
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(chunks, None)
    except TimeoutError as error:
        raise ProblemError(TOO_SLOW, f"the body did not come within {PATIENCE_S} s") from error


def _too_large(cap: int, when: str) -> ProblemError:
    return ProblemError(TOO_LARGE, f"the body may have {cap} bytes {when}", limit_bytes=cap, fix="send smaller parts")
