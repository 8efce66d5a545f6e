"""Pages of our own: login, logout, session: an ordinary ASGI app. Rule: the guard decides, `wire/` writes."""
