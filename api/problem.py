"""Turns every failure into application/problem+json (RFC 9457) in the reader's language; nothing internal gets out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from schemas.errors import BackpressureError, PoisonMessageError, UsageError
from schemas.events import Reason, Text

MEDIA_TYPE = "application/problem+json"

#: Seconds after which a caller may try again when a server behind us is away.
RETRY_AFTER_S = 2


class Kind(NamedTuple):
    """One kind of problem: its code (the end of `type`), HTTP status, and title in both languages."""

    code: str
    status: int
    vi: str
    en: str


BAD_REQUEST = Kind("bad_request", 400, "Yêu cầu không hợp lệ", "Bad request")
INVALID = Kind("invalid", 422, "Giá trị không hợp lệ", "Invalid value")
NOT_LOGGED_IN = Kind("not_logged_in", 401, "Chưa đăng nhập", "Not logged in")
WRONG_LOGIN = Kind("wrong_login", 401, "Sai tên hoặc mật khẩu", "Wrong name or password")
WRONG_KEY = Kind("wrong_key", 401, "Khóa API không dùng được", "API key cannot be used")
FORBIDDEN = Kind("forbidden", 403, "Không có quyền", "Not permitted")
BAD_ORIGIN = Kind("bad_origin", 403, "Nguồn gốc không được phép", "Origin not permitted")
BAD_CSRF = Kind("bad_csrf", 403, "Thiếu mã chống giả mạo", "Missing or wrong CSRF token")
NOT_FOUND = Kind("not_found", 404, "Không tìm thấy", "Not found")
METHOD = Kind("method_not_allowed", 405, "Phương thức không được phép", "Method not allowed")
TOO_SLOW = Kind("too_slow", 408, "Gửi quá chậm", "Sent too slowly")
CONFLICT = Kind("conflict", 409, "Người khác đã thay đổi trước", "Somebody else changed it first")
TOO_LARGE = Kind("too_large", 413, "Quá lớn", "Too large")
MEDIA = Kind("unsupported_media", 415, "Dạng nội dung không được hỗ trợ", "Content type not supported")
ILLEGAL_ORDER = Kind("illegal_order", 422, "Lệnh không hợp lệ ở trạng thái này", "Order not possible in this state")
TOO_MANY = Kind("too_many", 429, "Quá nhiều yêu cầu", "Too many requests")
INTERNAL = Kind("internal", 500, "Lỗi hệ thống", "Internal error")
BUSY = Kind("busy", 503, "Hệ thống đang bận", "System is busy")

_OF_STATUS = {
    kind.status: kind
    for kind in (BAD_REQUEST, INVALID, NOT_LOGGED_IN, FORBIDDEN, NOT_FOUND, METHOD, CONFLICT, TOO_LARGE, MEDIA)
}
#: What pydantic puts before the words of our own validators.
_OWN_WORDS = "Value error, "
_encoder = msgspec.json.Encoder()
_log = structlog.get_logger(__name__)


class ProblemError(Exception):
    """A failure with its answer; `detail` is text for programs, or a Text for people. `extra` become members."""

    def __init__(
        self, kind: Kind, detail: Text | str = "", *, headers: Mapping[str, str] | None = None, **extra: object
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra


def problem_body(error: ProblemError, language: str) -> bytes:
    """Give the JSON of a problem: type, title, status, detail and its extra members."""
    kind = error.kind
    detail = error.detail if isinstance(error.detail, str) else _in(error.detail, language)
    body = {
        "type": f"urn:canh:problem:{kind.code}",
        "title": kind.vi if language == "vi" else kind.en,
        "status": kind.status,
        "detail": detail,
        **error.extra,
    }
    return _encoder.encode(body)


def problem_response(connection: HTTPConnection, error: ProblemError) -> Response:
    """Give the response of a problem, in the language that the reader asked for, else the house's."""
    body = problem_body(error, language_of(connection))
    return Response(body, status_code=error.kind.status, headers=error.headers, media_type=MEDIA_TYPE)


def busy(detail: str) -> ProblemError:
    """Give the 503 of a server behind us that is away, with the time to wait."""
    return ProblemError(BUSY, detail, headers={"Retry-After": str(RETRY_AFTER_S)}, retry_after_s=RETRY_AFTER_S)


def language_of(connection: HTTPConnection) -> str:
    """Give "vi" or "en": the first of them in Accept-Language, else the configured one."""
    for part in connection.headers.get("accept-language", "").split(","):
        tag = part.strip()[:2].lower()
        if tag in {"vi", "en"}:
            return tag
    return cast("str", connection.app.state.context.config.language)


def add_handlers(app: FastAPI) -> None:
    """Register the handlers: our own problems, bad input, unknown routes, a server that is away."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(BackpressureError, _on_busy)
    app.add_exception_handler(UsageError, _on_usage)
    app.add_exception_handler(PoisonMessageError, _on_poison)


async def _on_problem(request: Request, error: Exception) -> Response:
    return problem_response(request, cast("ProblemError", error))


async def _on_busy(request: Request, error: Exception) -> Response:
    _log.warning("a server behind the API is away", path=request.url.path, error=str(error))  # names hosts: not told
    return problem_response(request, busy("A server behind the API does not answer; try again."))


async def _on_poison(request: Request, error: Exception) -> Response:
    poison = cast("PoisonMessageError", error)
    kind = TOO_LARGE if poison.reason == Reason.TOO_LARGE else INVALID
    return problem_response(request, ProblemError(kind, str(poison), reason=poison.reason, field=poison.field))


async def _on_usage(request: Request, error: Exception) -> Response:
    field, colon, rest = str(error).partition(": ")  # the store's words: "cursor: not one of ours; leave it out"
    problem = ProblemError(INVALID, str(error), field=field, fix=rest) if colon else ProblemError(INVALID, str(error))
    return problem_response(request, problem)


async def _on_http(request: Request, error: Exception) -> Response:
    raised = cast("HTTPException", error)
    kind = _OF_STATUS.get(raised.status_code, BAD_REQUEST._replace(status=raised.status_code))
    return problem_response(request, ProblemError(kind, headers=raised.headers))


async def _on_invalid(request: Request, error: Exception) -> Response:
    return problem_response(request, invalid(cast("RequestValidationError", error).errors()))


def invalid(errors: Sequence[Any]) -> ProblemError:  # pydantic's error records are untyped
    """Give the 422 of what pydantic found: the first field and what to write there, then all of them."""
    problems = [_named(one) for one in errors]
    field, message = problems[0]["field"], problems[0]["message"]
    return ProblemError(INVALID, f"{field}: {message}", field=field, fix=message, errors=problems)


def _named(one: Mapping[str, Any]) -> dict[str, str]:
    place = [str(part) for part in one["loc"] if part not in {"query", "path", "body", "header"}]
    if one["type"] == "extra_forbidden":
        return {"field": ".".join(place), "message": "no such parameter; remove it or correct its name"}
    return {"field": ".".join(place), "message": str(one["msg"]).removeprefix(_OWN_WORDS)}


def _in(text: Text, language: str) -> str:
    return text.vi if language == "vi" else text.en
