"""The process in front of an application: listeners, reload, drain. Rule: it wires and translates, it never decides."""
