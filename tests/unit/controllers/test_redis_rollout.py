"""Pods of an old template are restarted one by one, the primary last, and never while something is missing."""

from lightkube.models.apps_v1 import StatefulSetSpec, StatefulSetStatus
from lightkube.models.core_v1 import PodCondition, PodStatus, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.core_v1 import Pod

from controllers.redis.rollout import next_restart

OLD, NEW = "redis-sfs-1a", "redis-sfs-2b"


def stateful_set(*, replicas: int = 3, observed: int = 2) -> StatefulSet:
    template = PodTemplateSpec()
    return StatefulSet(
        metadata=ObjectMeta(name="redis-sfs", generation=2),
        spec=StatefulSetSpec(LabelSelector(), template=template, serviceName="redis-sfs", replicas=replicas),
        status=StatefulSetStatus(replicas, observedGeneration=observed, updateRevision=NEW, currentRevision=OLD),
    )


def pod(ordinal: int, revision: str, *, ready: bool = True, leaving: bool = False) -> Pod:
    metadata = ObjectMeta(name=f"redis-sfs-{ordinal}", labels={"controller-revision-hash": revision})
    if leaving:
        metadata.deletionTimestamp = "2026-11-21T00:00:00Z"  # type: ignore[assignment]  # only looked at for being there
    return Pod(metadata=metadata, status=PodStatus(conditions=[PodCondition("True" if ready else "False", "Ready")]))


def restarted(pods: list[Pod], primary: int, *, replicas: int = 2, of: StatefulSet | None = None) -> str | None:
    chosen = next_restart(of or stateful_set(), pods, f"redis-sfs-{primary}", replicas)
    assert chosen is None or chosen.metadata
    return chosen and chosen.metadata and chosen.metadata.name


def test_the_primary_is_the_last_wherever_it_is() -> None:
    for primary in range(3):
        revisions, order = dict.fromkeys(range(3), OLD), list[int]()
        while name := restarted([pod(ordinal, revision) for ordinal, revision in revisions.items()], primary):
            order.append(int(name[-1]))
            revisions[order[-1]] = NEW
        assert sorted(order) == [0, 1, 2]
        assert order[-1] == primary


def test_nothing_is_restarted_when_all_are_of_the_newest_template() -> None:
    assert restarted([pod(ordinal, NEW) for ordinal in range(3)], 0) is None


def test_a_pod_that_is_leaving_missing_or_not_ready_yet_is_waited_for() -> None:
    others = [pod(0, OLD), pod(1, OLD)]
    assert restarted([*others, pod(2, OLD, leaving=True)], 0) is None
    assert restarted(others, 0) is None
    assert restarted([*others, pod(2, NEW, ready=False)], 0) is None


def test_a_replica_without_all_the_data_is_waited_for() -> None:
    assert restarted([pod(0, OLD), pod(1, OLD), pod(2, NEW)], 0, replicas=1) is None


def test_a_broken_pod_of_the_old_template_goes_first_since_the_new_one_may_mend_it() -> None:
    assert restarted([pod(0, OLD), pod(1, OLD), pod(2, OLD, ready=False)], 0, replicas=1) == "redis-sfs-2"


def test_a_template_that_the_cluster_has_not_seen_yet_is_waited_for() -> None:
    pods = [pod(ordinal, OLD) for ordinal in range(3)]
    assert restarted(pods, 0, of=stateful_set(observed=1)) is None
