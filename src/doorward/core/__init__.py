"""The decision core: values in, verdict out. Rule: no I/O, no clock, no randomness, standard library only."""
