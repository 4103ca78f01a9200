"""Reading the README and the docs: their blocks of code, and the output that a page shows."""

from pathlib import Path
import re
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))


class Block(NamedTuple):
    """A fenced block of a page: its language, its text, and where it is, as in `docs/index.md:12`."""

    language: str
    text: str
    place: str


def blocks(page: Path, language: str = "") -> list[Block]:
    """The fenced blocks of a page, of one language if one is given."""
    text = page.read_text()
    found = [
        Block(fence[1], fence[2], f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, fence.start()) + 1}")
        for fence in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]
    return [block for block in found if not language or block.language == language]


def shown_as(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed; a line `...` stands for any number of lines."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)]
    return re.fullmatch(r"(?:.*\n)*".join(parts), printed) is not None
