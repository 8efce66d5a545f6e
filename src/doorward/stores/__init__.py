"""Answers from SQLite and from memory: accounts, sessions, keys, relations, limits, passwords."""
