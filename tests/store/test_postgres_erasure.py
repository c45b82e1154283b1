"""What an erasure leaves on a PostgreSQL server: no row, and after a scrub nothing in the files of the tables."""

from pathlib import Path

import pytest

from gateway.errors import ErasuresUnreadable
from gateway.model import Done, ForgetAgain
from tests.support.in_process_gateway import InProcessGateway, caller, customer, erase, tamper
from tests.support.leftovers import left_in
from tests.support.postgresql import PostgresServer
from tests.support.stored_person import POS, VALUES, a_life, crowd, zoes_env


async def test_no_row_holds_an_erased_person_and_after_a_scrub_no_table_file(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.url(await postgres.empty())
    async with InProcessGateway(tmp_path, zoes_env(), url=url) as core:
        await crowd(core, 0, 50)
        await a_life(core)
        await crowd(core, 50, 100)
        await core.store.maintain(1_000)
        await core.send(erase(f"pos:{POS}"))
        rows = tmp_path / "rows"
        rows.write_text(repr([await core.rows(f"SELECT * FROM {table}") for table in await tables(core)]))
        assert left_in(tmp_path, VALUES) == []
        (left,) = await core.store.scrub()
        assert "write-ahead log" in left
        (database,) = await core.column("SELECT oid FROM pg_database WHERE datname = current_database()")
    assert left_in(postgres.data / "base" / str(database), VALUES) == []


async def tables(core: InProcessGateway) -> list[str]:
    return await core.column(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"
    )


async def test_erasures_stand_signed_in_a_schema_of_their_own(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.url(await postgres.empty())
    async with InProcessGateway(tmp_path, url=url) as core:
        await core.send(customer("web:ann", email="ann@x.eg"))
        await core.send(erase("web:ann"))
        assert await core.store.erasures_lacking() == []
        (kept,) = await core.column("SELECT erasure_id FROM public_erased.erasure")
        await tamper(url, "DELETE FROM erasure")
        (lacking,) = await core.store.erasures_lacking()
        assert lacking.erasure_id == kept
        assert await core.send(ForgetAgain(caller(""), lacking)) == Done(changed=False)
        assert await core.store.erasures_lacking() == []
        await tamper(url, "DELETE FROM erasure")
        await tamper(url, "UPDATE public_erased.erasure SET records = '[1]'")
        with pytest.raises(ErasuresUnreadable, match="not signed"):
            await core.store.erasures_lacking()
        await core.store.rotate_secret("operator")
        assert len(await core.store.erasures_lacking()) == 1
