"""One table of the file, read key by key: wrong types are told with the mend, and what nobody asked for is unknown.

    limits = Table(log, ("limits",), data["limits"], "[limits] ")
    open_when_down = limits.choice("when_down", "closed", ("closed", "open")) == "open"
    limits.close()

A value that cannot be used is replaced by the default, so that reading goes on and everything is told at once.
Rule: nothing here knows what a key means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from doorward.core.errors import ConfigError, PolicyError
from doorward.policyfile.finding import Log
from doorward.policyfile.later import Later
from doorward.policyfile.locate import Path
from doorward.policyfile.words import listed, nearest, shown, visible

T = TypeVar("T")


class Table:
    """A table of the file. path: where; title: how findings in it begin; rule: name of the rule or gate, or "";
    void: something else stands there, so that nothing can be said to be missing in it.
    """

    __slots__ = ("_asked", "_data", "_later", "log", "path", "rule", "title", "void")

    def __init__(
        self,
        log: Log,
        path: Path,
        data: Mapping[str, Any],
        title: str = "",
        rule: str = "",
        later: Mapping[str, Later] | None = None,
    ) -> None:
        self.log, self.path, self.title, self.rule = log, path, title, rule
        self._data = data
        self._later = later or {}
        self._asked: dict[str, None] = {}
        self.void = False

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        """The keys in the order of the file."""
        return iter(self._data)

    def fault(self, key: str | Path, text: str, hint: str = "", code: str = "E103") -> None:
        """Note an error at a key."""
        path = (key,) if isinstance(key, str) else key
        self.log.add(code, (*self.path, *path), f"{self.title}{text}", hint, self.rule)

    def wrong(self, key: str, hint: str, code: str = "E103") -> None:
        """Note an error that shows the value as it stands."""
        self.fault(key, f"{visible(key)} = {shown(self._data.get(key))}.", hint, code)

    def lacks(self, key: str, hint: str, code: str = "E103", text: str = "") -> bool:
        """Whether a key is missing that must be there, which is noted. text: what to say of it."""
        if key in self._data or self.void:
            return False
        self.fault((), text or f"{key} is missing.", hint, code)
        return True

    def raw(self, key: str) -> Any:
        """The value as TOML has it, None when it is not there."""
        self._asked[key] = None
        return self._data.get(key)

    def text(self, key: str, default: str = "") -> str:
        """A text that is not empty."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.wrong(key, "Write a text in quotation marks.")
        elif not value.strip():
            self.fault(key, f"{visible(key)} is empty.", "Write something, or leave the key out.")
        elif not value.isprintable():
            self.fault(key, f"{visible(key)} has a control character.", "Take it out.")
        else:
            return value
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.raw(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.wrong(key, "Write true or false, without quotation marks.")
        return default

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number from low to high."""
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.wrong(key, f"Write a whole number from {low} to {high}.")
        return default

    def choice(self, key: str, default: Any, options: Sequence[Any], later: Sequence[Any] = ()) -> Any:
        """One of some values; later: values that this version cannot do."""
        value = self.raw(key)
        if value is None:
            return default
        for option in options:
            if value == option and type(value) is type(option):
                return option
        if any(value == one and type(value) is type(one) for one in later):
            self.wrong(key, f"This is not available in this version. Write {listed(options)}.", "E120")
        else:
            self.wrong(key, f"Write {listed(options)}.")
        return default

    def parsed(self, key: str, default: T, parse: Callable[[str], T]) -> T:
        """A text that `parse` reads; it raises ConfigError with the mend."""
        value = self.raw(key)
        if value is None:
            return default
        found = self._parse((key,), key, value, parse)
        return default if found is None else found

    def _parse(self, path: Path, key: str, value: object, parse: Callable[[str], T]) -> T | None:
        if not isinstance(value, str):
            self.fault(path, f"{visible(key)} = {shown(value)}.", "Write a text in quotation marks.")
            return None
        try:
            return parse(value)
        except ConfigError as error:
            code = error.code if isinstance(error, PolicyError) else "E106"
            self.fault(path, error.message or f"{visible(key)} = {shown(value)}.", error.hint, code)
            return None

    def each(self, key: str, parse: Callable[[str], T], *, empty: bool = False) -> tuple[T, ...]:
        """A text or a list of texts, each read by `parse`; those that cannot be read are left out. empty: may be []."""
        value = self.raw(key)
        if value is None:
            return ()
        entries = value if isinstance(value, list) else [value]
        if not entries and not empty:
            self.fault(key, f"{visible(key)} is empty.", "Name at least one, or leave the key out.")
        read = [
            self._parse((key, index) if isinstance(value, list) else (key,), key, entry, parse)
            for index, entry in enumerate(entries)
        ]
        found = [one for one in read if one is not None]
        if len(set(found)) != len(found):
            self.fault(key, f"{visible(key)} names one thing twice.", "Name each once.")
        return tuple(dict.fromkeys(found))

    def words(self, key: str) -> tuple[str, ...]:
        """A text or a list of texts, none empty."""
        return self.each(key, _word)

    def table(self, key: str, title: str | None = None, later: Mapping[str, Later] | None = None) -> Table | None:
        """A table in the table; an empty one where something else stands."""
        value = self.raw(key)
        if value is None:
            return None
        return self.inner((key,), value, f"{self.title}{visible(key)}: " if title is None else title, later)

    def named(self, key: str, what: str, later: Mapping[str, Later] | None = None) -> dict[str, Table]:
        """The tables of a table of tables, such as `[groups.NAME]`. what: how one is called in findings."""
        holder = self.table(key, f"[{key}] ")
        if holder is None:
            return {}
        return {name: holder.inner((name,), holder.raw(name), f'{what} "{visible(name)}": ', later) for name in holder}

    def inner(self, path: Path, value: object, title: str, later: Mapping[str, Later] | None = None) -> Table:
        """The table at a path below; an empty one where something else stands."""
        if not isinstance(value, Mapping):
            self.log.add("E103", (*self.path, *path), f"{title}{shown(value)} is no table.", "Write { … }.", self.rule)
        found = Table(
            self.log, (*self.path, *path), value if isinstance(value, Mapping) else {}, title, self.rule, later
        )
        found.void = not isinstance(value, Mapping)
        return found

    def close(self) -> None:
        """Every key that nobody asked for is unknown, or comes in a later version."""
        for key in self._data:
            if key in self._asked:
                continue
            if key in self._later:
                self._later[key].refuse(self.log, (*self.path, key), self.title, self.rule)
            else:
                hint = nearest(key, [*self._asked, *self._later], [*self._asked])
                self.fault(key, f'unknown {self._kind(key)} "{visible(key)}".', hint, "E102")

    def _kind(self, key: str) -> str:
        value = self._data[key]
        tables = isinstance(value, Mapping) or (isinstance(value, list) and value and isinstance(value[0], Mapping))
        return "table" if tables and not self.path else "key"


def _word(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise PolicyError("E103", f"{shown(text)} is no name.", hint="Write a name that can be read.")
    return text
