"""Pages of our own: login, logout, session. An ordinary ASGI app. Rule: decisions come from the guard, bytes from wire."""
