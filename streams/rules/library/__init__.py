"""The rules that ship with Canh: one YAML file each, in a folder per domain; add yours here."""
