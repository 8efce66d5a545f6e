"""An answer that depends on another thread: waited for by the event loop where there is one, else here.

Rule: nothing here knows what is being waited for.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TypeVar

from doorward.core.ask import Later

T = TypeVar("T")


def in_loop() -> bool:
    """Whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def settle(future: Future[T]) -> T | Later:
    """The result, or Later where a loop can wait for it. Raises what the future raises."""
    return Later(asyncio.wrap_future(future)) if in_loop() else future.result()


async def finished(future: Future[T]) -> T:
    """Wait for a future to its end: whoever stops waiting does not stop the work."""
    return await asyncio.shield(asyncio.wrap_future(future))
