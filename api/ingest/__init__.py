"""The door for events over HTTP: unpack a body into raw records, ask the edge rules, publish."""
