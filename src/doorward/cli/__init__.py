"""The command line: one file per command, loaded when it is used.

Rule: commands call floors below; they decide nothing.
"""
