"""Checkpoints: what a replay has finished, in a file that only grows, so that one that was killed can go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
import json
from pathlib import Path
from typing import Any, Final, TypeAlias

from loyaltycore.errors import DataError

FORMAT: Final = 1

Finished: TypeAlias = Any
"""The result of some members, as JSON has it."""


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else list(value)


def fingerprint(parts: Iterable[str]) -> str:
    """What tells one replay from another."""
    digest = sha256()
    for part in parts:
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


class Checkpoint:
    """The file of one replay: a line that says of which, then one for each group of members that is finished."""

    def __init__(self, path: Path, replay: Mapping[str, Any]) -> None:
        self.path = path
        self._head = {"loyaltycore replay": FORMAT, **replay}

    def finished(self) -> list[Finished]:
        """What was finished before, in order; the file is begun if there is none.

        A last line that was cut short is dropped. A file of another replay, or of something else, is a `DataError`.
        """
        lines = self.path.read_bytes().split(b"\n") if self.path.exists() else [b""]
        whole, rest = lines[:-1], lines[-1]
        if not whole:
            begun = self._line(self._head)
            if not begun.startswith(rest):
                raise self._foreign()
            self.path.write_bytes(begun)
            return []
        if rest:
            with self.path.open("r+b") as file:
                file.truncate(sum(len(line) + 1 for line in whole))
        head, *finished = self._read(whole)
        if not isinstance(head, dict) or "loyaltycore replay" not in head:
            raise self._foreign()
        differs = next((name for name, value in self._head.items() if head.get(name) != value), None)
        if differs is not None:
            raise DataError(
                f"it is of a replay with another {differs}; give a file of its own, or delete this one", str(self.path)
            )
        return finished

    def add(self, finished: Finished) -> None:
        """Append what is finished now."""
        with self.path.open("ab") as file:
            file.write(self._line(finished))

    def _line(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_plain).encode() + b"\n"

    def _read(self, lines: Iterable[bytes]) -> Iterator[Any]:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                raise self._foreign() from None

    def _foreign(self) -> DataError:
        return DataError("it is no checkpoint of a replay; give the path of a new file", str(self.path))
