"""The programs of a store: each version of one has a number, and is kept as data where it can be."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from loyaltycore._database import Database, StoreError
from loyaltycore._statements import Statements
from loyaltycore._tables import Tables, check_id
from loyaltycore.errors import DataError
from loyaltycore.history import AnyProgram
from loyaltycore.serialize import from_json, to_json


class Programs:
    """The programs that accounts of a store belong to, by name."""

    def __init__(self, tables: Tables, database: Database, statements: Statements) -> None:
        self._table: Final = tables.programs
        self._database = database
        self._statements = statements
        self._known: dict[str, tuple[AnyProgram, int]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def revision(self, program: AnyProgram) -> int:
        """The number of this version of a program: what falls due when was worked out under one of them."""
        known = self._known.get(program.name)
        if known is not None and known[0] is program:
            return known[1]
        if known is not None and known[0] == program:
            revision = known[1]
        else:
            digest = _digest(program)
            asked = sa.select(self._table.c.revision, self._table.c.digest).where(self._table.c.name == program.name)
            with self._database.reading() as connection:
                row = connection.execute(asked).first()
            revision = row.revision if row and row.digest == digest else self._register(program, digest, asked)
        self._known[program.name] = program, revision
        return revision

    def _register(self, program: AnyProgram, digest: str, asked: Any) -> int:
        check_id(program.name, "program")
        asked = asked.with_for_update()
        with self._database.writing(lambda connection: connection.execute(asked).first()) as (connection, row):
            if row is not None and row.digest == digest:
                return int(row.revision)
            revision = 1 if row is None else row.revision + 1
            values = {"revision": revision, "digest": digest, "zone": program.zone.key, "data": _data(program)}
            new = self._statements.insert(self._table).values(name=program.name, **values)
            connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))
        return revision

    def named(self, connection: sa.Connection, name: str) -> AnyProgram:
        """The program of that name: the one that was used last, or that is kept."""
        known = self._known.get(name)
        if known is not None:
            return known[0]
        asked = sa.select(self._table.c.data, self._table.c.revision).where(self._table.c.name == name)
        row = connection.execute(asked).first()
        if row is None or row.data is None:
            raise StoreError(f"program: {name!r} has parts that cannot be stored; open an account of it first")
        program: AnyProgram = from_json(row.data)
        self._known[name] = program, row.revision
        return program

    def zone(self, connection: sa.Connection, name: str) -> str:
        """The zone of a program, which is known of those that cannot be kept, too."""
        asked = sa.select(self._table.c.zone).where(self._table.c.name == name)
        found: str = connection.execute(asked).scalar_one()
        return found


def _data(program: AnyProgram) -> str | None:
    """A program as data; there is none of one with functions in it."""
    try:
        return to_json(program)
    except DataError:
        return None


def _digest(program: AnyProgram) -> str:
    return sha256((_data(program) or repr(program)).encode()).hexdigest()
