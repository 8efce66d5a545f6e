"""Other files that the policy file names. Rule: what cannot be read is told in a word, never raised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def there(path: Path, kind: Callable[[Path], bool]) -> bool:
    """Whether a path is what is asked for: Path.is_file, Path.is_dir."""
    try:
        return kind(path)
    except OSError:  # a name too long, a folder that may not be entered
        return False


def read_octets(path: Path, most: int) -> bytes | str:
    """The bytes of a file of at most `most` bytes, or why they cannot be had."""
    try:
        if not path.is_file():  # a pipe or a device would be waited for
            return "there is no such file"
        with path.open("rb") as file:
            octets = file.read(most + 1)
    except OSError as error:
        return (error.strerror or "it cannot be opened").lower()
    return octets if len(octets) <= most else f"it is longer than {most} bytes"
