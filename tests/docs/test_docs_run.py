"""Every code block of README and docs does what it says, against a real `doorward`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from blocks import blocks
from stage import play, staged

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    + [file for file in (ROOT / "docs").rglob("*.md") if "reference" not in file.parts]
)
NEEDED = sorted({block.needs for file in DOCUMENTS for block in blocks(file)} - {""})


def _installed(program: str) -> bool:
    return shutil.which(program) is not None or Path(f"/usr/sbin/{program}").is_file()


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.mark.article("A0-33")
@pytest.mark.parametrize("document", [file for file in DOCUMENTS if blocks(file)], ids=_name)
def test_a_document_does_what_it_says(document: Path, tmp_path: Path) -> None:
    with staged(tmp_path, frozenset(filter(_installed, NEEDED))) as stage:
        play(document, blocks(document), stage)


@pytest.mark.parametrize("program", NEEDED)
def test_the_program_that_blocks_need_is_there(program: str) -> None:
    if not _installed(program):
        pytest.skip(f"{program} is not installed: the blocks that need it were left out")


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if "://" not in target and not target.startswith("#"):
            file = document.parent / target.partition("#")[0]
            assert file.exists(), f"{_name(document)} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_files_that_are_named_are_there(document: Path) -> None:
    for path in re.findall(r"`((?:tests|src|scripts|examples|docs)/[\w./-]+)`", document.read_text("utf-8")):
        assert (ROOT / path).exists(), f"{_name(document)} names {path}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 120
