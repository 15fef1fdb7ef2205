"""`canh migrate`: brings the database's tables up to date, and the rights of its roles when asked."""

from __future__ import annotations

from deploy.commands.terminal import results, with_store
from schemas.store.timescale import TimescaleStore


def migrate(*, roles: bool = False) -> None:
    """Apply the migrations that are missing; safe to repeat, and for several at once.

    Parameters
    ----------
    roles
        Also make the roles canh_worker, canh_api and canh_read and give them their rights, for a server that is
        shared. Then `GRANT canh_worker TO ...` the user of the workers, and so on.
    """

    async def work(store: TimescaleStore) -> list[str]:
        applied = await store.migrate()
        if roles:
            await store.grant_roles()
        return applied

    applied = with_store(work)
    results.print("\n".join(f"applied {name}" for name in applied) or "Nothing to apply: the tables are up to date.")
    if roles:
        results.print("The roles canh_worker, canh_api and canh_read have their rights.")
    elif applied:
        results.print("On a shared server run `canh migrate --roles` too: new tables need their rights.")
