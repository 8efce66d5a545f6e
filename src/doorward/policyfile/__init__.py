"""The policy file: TOML -> Policy, with line numbers and mends. Start at `load.py`."""
