"""The composition root: a compiled policy and the answers to its questions. Rule: wiring only, no decision."""
