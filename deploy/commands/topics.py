"""`canh topics`: creates the topics that are missing and shows all of them; frees the partitions of a worker."""

from __future__ import annotations

from deploy.bootstrap import kafka_of
from deploy.commands.terminal import remarks, settings_here, show
from deploy.local.home import Home
from deploy.topics import create_topics, free_worker, topic_states


def topics(*, replication: int = 1, free: str = "", json: bool = False) -> int:
    """Create what is missing and list all topics.

    Parameters
    ----------
    replication
        Copies of each partition on a cluster.
    free
        Instead: take the worker of this name (CANH_WORKER_ID), which is stopped for good, out of its groups, so that
        others get its partitions. The embedded broker never does that by itself.
    json
        Print JSON.
    """
    settings = settings_here()
    bootstrap = kafka_of(settings)
    if free:
        return _free(bootstrap, free, as_json=json)
    embedded = Home(settings.home).addresses().get("kafka") == bootstrap
    create_topics(bootstrap, embedded=embedded, replication=replication)
    states = topic_states(bootstrap)
    rows = [
        (state.topic.name, state.partitions, state.topic.key, state.topic.meaning, state.problem) for state in states
    ]
    show("Topics", ("name", "partitions", "key", "meaning", "problem"), rows, as_json=json)
    for fix in (state.fix for state in states if state.fix):
        remarks.print(fix, markup=False, soft_wrap=True)
    return 0


def _free(bootstrap: str, worker_id: str, *, as_json: bool) -> int:
    groups = free_worker(bootstrap, worker_id)
    if groups or as_json:
        show(f"Freed from worker {worker_id}", ("group",), [(group,) for group in groups], as_json=as_json)
    else:
        remarks.print(f"No group has a worker named {worker_id}.", markup=False)
    return 0 if groups else 1
