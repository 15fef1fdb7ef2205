"""Names every failure that Canh raises on purpose, and what each one makes the caller do."""

from __future__ import annotations


class CanhError(Exception):
    """Base of all our errors; the message says what happened and what to do next."""


class PoisonMessageError(CanhError):
    """The input itself is bad: it goes to the dead letters with its reason, and the work goes on.

    `reason` is a stable code (see `Reason` in `schemas.events.dead_letter`), `field` the offending field
    in the sender's own words, empty when the whole message is meant.
    """

    def __init__(self, reason: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field


class BackpressureError(CanhError):
    """The system outside is slow or away (broker, database): wait and repeat, for ever; drop nothing."""


class TooSlowError(BackpressureError):
    """The system outside gave up because the work took too long: wait, and do less of it at once."""


class ConflictError(CanhError):
    """Somebody else changed the record first: read it again and decide again (HTTP 409)."""


class NotFoundError(CanhError):
    """The thing asked for does not exist, or not for this reader (HTTP 404)."""


class RuleError(CanhError):
    """A rule file cannot be used; the message names file, line and the mend."""


class SettingsError(CanhError):
    """A setting has a bad value; the message names the variable, the problem and an example."""


class UsageError(CanhError):
    """The user's command cannot be carried out as given; the message has the next step (CLI exit code 2)."""
