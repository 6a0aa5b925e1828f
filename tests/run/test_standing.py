"""Why a service is not Ready, as a KServe 0.20 on Kubernetes 1.34 says it."""

from __future__ import annotations

from conformance.recording.pod_bodies import ContainerStatus, PodBody
from conformance.run.standing import REMEDY, standing

NO_ROOM = (
    "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
    "2 Insufficient cpu, 2 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/3 nodes are "
    "available: "
    "3 Preemption is not helpful for scheduling."
)
MISSING = 'Configuration "llama3-predictor" does not have any ready Revision.'
CONDITIONS = {
    "LatestDeploymentReady": ("False", "PredictorConfigurationReady not ready", ""),
    "PredictorReady": ("False", "RevisionMissing", MISSING),
    "PredictorRouteReady": ("False", "RevisionMissing", MISSING),
    "Ready": ("False", "RevisionMissing", MISSING),
    "RoutesReady": ("True", "", ""),
    "Stopped": ("False", "", ""),
}


def test_a_pod_without_a_node_comes_first_and_nothing_is_said_twice() -> None:
    ready = PodBody(name="other", ready=True, phase="Running")
    pod = PodBody(name="llama3-w87mb", phase="Pending", reason="Unschedulable", message=NO_ROOM)
    first, remedy, *others = standing(CONDITIONS, (ready, pod)).split("; ")
    assert first == f"pod llama3-w87mb Pending Unschedulable: {NO_ROOM.partition('. ')[0]}"
    assert remedy == REMEDY
    assert others == [
        "LatestDeploymentReady=False PredictorConfigurationReady not ready",
        f"PredictorReady=False RevisionMissing {MISSING}",
        "pod other is ready",
    ]


def test_a_container_that_cannot_start_is_named_and_one_that_waits_its_turn_is_not() -> None:
    containers = (
        ContainerStatus(name="kserve-container", state="waiting", reason="CreateContainerConfigError"),
        ContainerStatus(name="queue-proxy", state="waiting", reason="PodInitializing"),
    )
    pod = PodBody(name="iris-1", phase="Pending", containers=containers)
    assert standing({}, (pod,)) == "pod iris-1 Pending: kserve-container CreateContainerConfigError"
    assert standing({}, ()) == "nothing was seen of it"
