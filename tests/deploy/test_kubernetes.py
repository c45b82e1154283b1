"""The manifests: valid for a cluster, closed, and consistent among themselves."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

MANIFESTS = Path(__file__).parents[2] / "deploy/kubernetes"
VERSION = "1.37"
FILES = {path.stem: list(yaml.safe_load_all(path.read_text())) for path in sorted(MANIFESTS.glob("*.yaml"))}
WORKLOADS = {"Deployment": FILES["postgresql"][0], "StatefulSet": FILES["sqlite"][0]}


def of_kind(kind: str) -> list[Any]:
    return [one for documents in FILES.values() for one in documents if one["kind"] == kind]


@pytest.mark.parametrize("file", ["postgresql", "sqlite", "common"])
def test_each_object_is_what_the_api_server_takes(file: str) -> None:
    for document in FILES[file]:
        kubernetes_validate.validate(document, VERSION, strict=True)


def test_the_check_finds_a_key_that_does_not_exist() -> None:
    wrong = {**FILES["common"][0], "spec": {**FILES["common"][0]["spec"], "selektor": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_pod_runs_unprivileged_and_writes_only_to_its_volumes(kind: str) -> None:
    pod = WORKLOADS[kind]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert WORKLOADS[kind]["kind"] == kind
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    claimed = [one["metadata"]["name"] for one in WORKLOADS[kind]["spec"].get("volumeClaimTemplates", ())]
    volumes = {one["name"] for one in pod["volumes"]} | set(claimed)
    assert {one["name"] for one in container["volumeMounts"]} == volumes


@pytest.mark.parametrize("kind", WORKLOADS)
def test_the_probes_of_a_pod_ask_endpoints_of_the_gateway(kind: str) -> None:
    (container,) = WORKLOADS[kind]["spec"]["template"]["spec"]["containers"]
    asked = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {one["port"] for one in asked.values()} == {"admin"}
    assert asked["livenessProbe"]["path"] == "/healthz"
    assert asked["readinessProbe"]["path"] == "/readyz"
    assert {one["name"]: one["containerPort"] for one in container["ports"]} == {
        "public": 8080,
        "admin": 8081,
    }


def test_services_policies_and_budgets_find_the_pods_by_their_labels_and_ports() -> None:
    ports = {"public", "admin"}
    for workload in WORKLOADS.values():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert workload["spec"]["selector"]["matchLabels"].items() <= labels.items()
        for service in of_kind("Service"):
            assert service["spec"]["selector"].items() <= labels.items()
            assert {one["targetPort"] for one in service["spec"]["ports"]} <= ports
        for budget in of_kind("PodDisruptionBudget"):
            assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
        for policy in of_kind("NetworkPolicy"):
            assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
            assert {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]} == ports
    assert WORKLOADS["StatefulSet"]["spec"]["replicas"] == 1
    assert WORKLOADS["Deployment"]["spec"]["replicas"] >= 2


def test_prometheus_finds_the_admin_service_only() -> None:
    (monitor,) = of_kind("ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"]
    (service,) = [one for one in of_kind("Service") if wanted.items() <= one["metadata"]["labels"].items()]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {one["name"] for one in service["spec"]["ports"]}
    assert endpoint["path"] == "/metrics"
    assert set(monitor["spec"]) == {"jobLabel", "selector", "endpoints"}
    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "gateway"


def test_no_manifest_holds_a_secret() -> None:
    assert not of_kind("Secret")
    assert not of_kind("ConfigMap")
