"""Takes what of a request's headers travels with its records: the content type and CloudEvents attributes (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers

from api.problem import BAD_REQUEST, ProblemError
from schemas.events import Reason

#: Prefix of attributes in binary mode (CloudEvents HTTP binding 1.0.2, section 3.1.3.1).
_CLOUD = "ce-"
#: Attributes of one request, and bytes of one header as it travels on.
CLOUD_HEADERS_MAX, HEADER_BYTES_MAX = 32, 1024
_ESCAPED = re.compile(r"\\(.)")


def record_headers(headers: Headers) -> Mapping[str, bytes]:
    """Give the headers of the records of a request; raises ProblemError 400 that names the header that cannot be."""
    given = {"content-type": headers.get("content-type", "application/json").encode("latin-1")}
    given |= {name: _attribute(name, value) for name, value in headers.items() if name.startswith(_CLOUD)}
    if len(given) > CLOUD_HEADERS_MAX + 1:
        message = f"a request may have {CLOUD_HEADERS_MAX} ce- headers"
        raise ProblemError(BAD_REQUEST, message, reason=Reason.TOO_LARGE, field=list(given)[CLOUD_HEADERS_MAX + 1])
    for name, value in given.items():
        if len(value) > HEADER_BYTES_MAX:
            message = f"header {name[:60]} may have {HEADER_BYTES_MAX} bytes, this has {len(value)}"
            raise ProblemError(BAD_REQUEST, message, reason=Reason.TOO_LARGE, field=name)
    return {name.replace("-", "_") if name.startswith(_CLOUD) else name: value for name, value in given.items()}


def _attribute(name: str, value: str) -> bytes:
    """Undo quotes, then percent-encoding (section 3.1.3.2): Kafka's headers have the attribute as plain UTF-8."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    attribute = unquote_to_bytes(value.encode("latin-1"))
    try:
        attribute.decode()
    except UnicodeDecodeError as error:
        message = f"header {name[:60]} is not UTF-8 in percent-encoding"
        raise ProblemError(BAD_REQUEST, message, reason=Reason.BAD_ENCODING, field=name) from error
    return attribute
