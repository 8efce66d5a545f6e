"""One credential kind per file: read, verify, challenge. Rule: nothing here decides what is allowed."""
