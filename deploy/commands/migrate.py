"""`canh migrate`: brings the database's tables up to date, and the rights of its roles when asked."""

from __future__ import annotations

from deploy.bootstrap import keep_of
from deploy.commands.terminal import results, settings_here, with_store
from schemas.store.timescale import TimescaleStore


def migrate(*, roles: bool = False) -> None:
    """Apply the migrations that are missing; safe to repeat, and for several at once.

    Also tells the server for how long it keeps what it drops by itself (TimescaleDB full edition, CANH_RETENTION_*).

    Parameters
    ----------
    roles
        Also make the roles canh_worker, canh_api and canh_read and give them their rights, for a server that is
        shared. Then `GRANT canh_worker TO ...` the user of the workers, and so on.
    """
    settings = settings_here()

    async def work(store: TimescaleStore) -> list[str]:
        applied = await store.migrate()
        await store.set_policies(keep_of(settings))
        if roles:
            await store.grant_roles()
        return applied

    applied = with_store(work, settings)
    results.print("\n".join(f"applied {name}" for name in applied) or "Nothing to apply: the tables are up to date.")
    if roles:
        results.print("The roles canh_worker, canh_api and canh_read have their rights.")
    elif applied:
        results.print("On a shared server run `canh migrate --roles` too: new tables need their rights.")
