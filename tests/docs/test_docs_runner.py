"""The runner of the documents: what it takes for right, and above all what it takes for wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import alike, blocks, commands
from stage import WrongError, play, staged


def _document(folder: Path, text: str) -> Path:
    file = folder / "page.md"
    file.write_text(text)
    return file


def _play(folder: Path, text: str) -> None:
    document = _document(folder, text)
    with staged(folder) as stage:
        play(document, blocks(document), stage)


def test_a_block_knows_its_kind_its_words_and_its_line(tmp_path: Path) -> None:
    found = blocks(_document(tmp_path, "# A\n\n```toml policy file=doorward.toml needs=nginx\na = 1\n```\n"))
    assert [(one.kind, one.words, one.file, one.needs, one.text, one.line) for one in found] == [
        ("toml", frozenset({"policy"}), "doorward.toml", "nginx", "a = 1\n", 3)
    ]


@pytest.mark.parametrize("fence", ["```", "```java", "```console loudly", "```sh mode=x", "```ini not-run:"])
def test_a_block_that_says_nothing_known_is_wrong(tmp_path: Path, fence: str) -> None:
    with pytest.raises(ValueError, match=r"page\.md:1"):
        blocks(_document(tmp_path, f"{fence}\nx\n```\n"))


def test_a_block_that_is_never_closed_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="never closed"):
        blocks(_document(tmp_path, "```sh\nx\n"))


def test_a_longer_fence_holds_a_shorter_one(tmp_path: Path) -> None:
    found = blocks(_document(tmp_path, "````text\n```\nx\n```\n````\n"))
    assert found[0].text == "```\nx\n```\n"


def test_commands_come_with_their_output_and_may_be_continued(tmp_path: Path) -> None:
    (block,) = blocks(_document(tmp_path, "```console\n$ a \\\n    b\nout\n$ c\n```\n"))
    assert [(one.text, one.output, one.line) for one in commands(block)] == [
        ("a \\\n    b", ("out",), 2),
        ("c", (), 5),
    ]


def test_output_before_any_command_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(WrongError, match="output without a command"):
        _play(tmp_path, "```console\nout\n$ true\n```\n")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (("one", "two"), "one\ntwo\n"),
        (("one …",), "one and more\n"),
        (("one…",), "one\n"),
        (("one", "…", "end"), "one\nx\ny\nend\n"),
        (("one", "…"), "one\n"),
        (("HTTP/1.1 200 OK", "", "x"), "HTTP/1.1 200 OK\r\n\r\nx"),
        (("http://127.0.0.1:8080",), "http://127.0.0.1:40213\n"),
        (("http://127.0.0.1:8080   the shop",), "http://127.0.0.1:8082   the shop   (8080 is taken)\n"),
        ((), ""),
    ],
)
def test_an_output_is_right(wanted: tuple[str, ...], said: str) -> None:
    assert alike(wanted, said)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (("one",), "two\n"),
        (("one",), "one\ntwo\n"),
        (("one", "two"), "one\n"),
        (("one …",), "one\ntwo\n"),
        (("a.c",), "abc\n"),
        ((), "something\n"),
        (("something",), ""),
    ],
)
def test_an_output_is_wrong(wanted: tuple[str, ...], said: str) -> None:
    assert not alike(wanted, said)


def test_a_right_document_runs(tmp_path: Path) -> None:
    _play(
        tmp_path,
        "```toml policy file=doorward.toml\nversion = 1\nrealm = 'x'\n```\n"
        "```sh\nX=1\ntest -f doorward.toml\n```\n"
        "```console\n$ echo $X; false\n1\n$ echo $?\n1\n$ cat\n```\n"
        "```console serves\n$ sh -c 'echo up; sleep 60'\nup\n```\n"
        "```ini not-run: there is nothing to run it\nx\n```\n"
        "```console needs=nothing-of-this-name\n$ nothing-of-this-name\n```\n",
    )


def test_the_application_says_who_asked(tmp_path: Path) -> None:
    _play(
        tmp_path,
        "```console\n$ curl -s http://127.0.0.1:3000/a\nGET /a for nobody\n"
        "$ curl -s -H 'X-Doorward-User: eve' -H 'X-Doorward-Roles: editor' http://127.0.0.1:3000/b\n"
        "GET /b for eve (editor)\n```\n",
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("```console\n$ echo one\ntwo\n```\n", "-- wanted\ntwo\n-- said\none"),
        ("```console\n$ echo one\n```\n", "said"),
        ("```sh\nfalse\ntrue\n```\n", "exit code 1"),
        ("```sh\nexit 3\n```\n", "exit code 3"),
        ("```toml policy\nversion = 1\ncolour = 'red'\n```\n", "E102"),
        ("```console serves\n$ sh -c 'echo up; exit 1'\nup\nready\n```\n", "said"),
    ],
)
def test_a_wrong_document_is_told_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(WrongError) as error:
        _play(tmp_path, f"# Page\n\n{text}")
    assert str(error.value).startswith("page.md:3: ")
    assert why in str(error.value)
