"""How large, deep and long a message may be: read by the edge and by the API before anything is decoded."""

from __future__ import annotations

#: Bytes of one message after decompression (a device's event is some hundred bytes; a packed day some hundred kB).
MAX_MESSAGE_BYTES = 1 << 20
#: Levels of arrays and objects (or XML elements) inside each other; the deepest format read has about 12.
MAX_DEPTH = 32
#: Names in one object (attributes in one XML element).
MAX_KEYS = 1000
#: Bytes of one text in UTF-8.
MAX_TEXT_BYTES = 8192
#: Characters of an identifier: device, metric, unit of a team, label, case number, the sender's event id.
MAX_NAME_CHARS = 256
#: Events in one packed message.
MAX_ITEMS = 10_000
#: Refusals listed one by one for one packed message; the rest share the last one (each holds the whole message).
MAX_REFUSALS = 100
