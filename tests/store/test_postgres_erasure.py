"""What an erasure leaves on a PostgreSQL server: no row, and after a scrub nothing in the files of the tables."""

from pathlib import Path

import pytest

from gateway.errors import ErasuresUnreadable
from gateway.model import Done, ForgetAgain
from tests.support.in_process_gateway import InProcessGateway, caller, customer, erase, tamper
from tests.support.leftovers import left_in
from tests.support.postgresql import PostgresServer
from tests.support.zoe import POS, VALUES, a_life, crowd, zoes_env


async def test_no_row_holds_an_erased_person_and_after_a_scrub_no_table_file(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.url(await postgres.empty())
    async with InProcessGateway(tmp_path, zoes_env(), url=url) as house:
        await crowd(house, 0, 50)
        await a_life(house)
        await crowd(house, 50, 100)
        await house.store.maintain(1_000)
        await house.send(erase(f"pos:{POS}"))
        rows = tmp_path / "rows"
        rows.write_text(repr([await house.rows(f"SELECT * FROM {table}") for table in await tables(house)]))
        assert left_in(tmp_path, VALUES) == []
        (left,) = await house.store.scrub()
        assert "write-ahead log" in left
    assert left_in(postgres.data / "base", VALUES) == []


async def tables(house: InProcessGateway) -> list[str]:
    return await house.column(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"
    )


async def test_erasures_stand_signed_in_a_schema_of_their_own(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.url(await postgres.empty())
    async with InProcessGateway(tmp_path, url=url) as house:
        await house.send(customer("web:ann", email="ann@x.eg"))
        await house.send(erase("web:ann"))
        assert await house.store.erasures_lacking() == []
        (kept,) = await house.column("SELECT erasure_id FROM public_erased.erasure")
        await tamper(url, "DELETE FROM erasure")
        (lacking,) = await house.store.erasures_lacking()
        assert lacking.erasure_id == kept
        assert await house.send(ForgetAgain(caller(""), lacking)) == Done(changed=False)
        assert await house.store.erasures_lacking() == []
        await tamper(url, "DELETE FROM erasure")
        await tamper(url, "UPDATE public_erased.erasure SET records = '[1]'")
        with pytest.raises(ErasuresUnreadable, match="not signed"):
            await house.store.erasures_lacking()
        await house.store.rotate_secret("operator")
        assert len(await house.store.erasures_lacking()) == 1
