"""One adapter per wire format, and the edge rules that every event passes."""
