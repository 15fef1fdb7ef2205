"""Reads what psycopg raised, gives our own error: wait, refuse, decide again, or crash loudly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from schemas.errors import BackpressureError, OverloadError, PoisonMessageError
from schemas.events import Reason

#: SQLSTATE classes and codes that say: not now (docs of PostgreSQL, appendix A). 08 connection, 40 rollback,
#: 53 resources, 57 operator (restart, shutdown, time limit), 58 system; 55P03 lock not available; 25006 read only: this
#: server has become a standby, or its disk is full.
_WAIT = ("08", "40", "53", "57", "58", "55P03", "25006")
#: Query canceled: the statement ran into its time limit.
_TOO_LONG = "57014"
#: Data: 22 (data exception), the constraints that a row can break by itself, and 54000: a value beyond what an index
#: holds.
_DATA = ("22", "23502", "23503", "23514", "54000")

#: Worth repeating at once: two transactions met.
CLASHES = (errors.SerializationFailure, errors.DeadlockDetected)


@contextmanager
def translated() -> Iterator[None]:
    """Turn database errors into ours; errors of the schema, of rights and of our own SQL stay as they are."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise PoisonMessageError(Reason.REFUSED_BY_STORE, f"text that is not Unicode: {error.reason}") from error
    except psycopg.Error as error:
        mine = translate(error)
        if mine is None:
            raise
        raise mine from error


def translate(error: psycopg.Error) -> BackpressureError | PoisonMessageError | None:
    """Give our error for a database error, None when it is a fault of ours that must be seen."""
    code = error.sqlstate
    if code is None:
        # Found by the client itself: a lost connection or a full pool, or a value that it cannot send.
        if isinstance(error, psycopg.OperationalError):
            return _busy(error)
        return _refused(error) if isinstance(error, psycopg.DataError) else None
    if code == _TOO_LONG:
        return OverloadError(f"the database did not do it within its time limit: {error}")
    if code.startswith(_WAIT):
        return _busy(error)
    return _refused(error) if code.startswith(_DATA) else None


def _busy(error: psycopg.Error) -> BackpressureError:
    ours = OverloadError if isinstance(error, errors.QueryCanceled) else BackpressureError
    return ours(f"the database does not answer now ({error.sqlstate or type(error).__name__}): {error}")


def _refused(error: psycopg.Error) -> PoisonMessageError:
    text = error.diag.message_primary or str(error)
    return PoisonMessageError(Reason.REFUSED_BY_STORE, text, field=error.diag.column_name or "")
