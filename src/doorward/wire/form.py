"""What stands in the login form, as a value: whoever fills it in need not load the templates.

Rule: nothing here is escaped or checked; `pages` does both.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LoginForm:
    """What stands in the login form.

    csrf: token of the pre-session; back: where to go after, dropped when it is not safe; name: typed last time; who:
    how the person is called who is logged in already; notice: "session_expired", "step_up", "signed_out", or "cookies"
    for a browser that did not return the pre-session cookie; anything else is ignored.
    """

    csrf: str = field(repr=False)
    back: str = ""
    name: str = ""
    who: str = ""
    notice: str = ""
