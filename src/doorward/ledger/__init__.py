"""What is kept of a verdict, in which words, and for whom to read. Rule: pure; where events go is `sinks/`."""
