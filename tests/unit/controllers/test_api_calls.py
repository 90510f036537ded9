import asyncio

import httpx2
import pytest
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Node, Service

from controllers.runtime.api_calls import NotLeadingError, call_of, guarded
from controllers.runtime.list_watch import Collection


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("GET", "/api/v1/namespaces/websites/services/kubia", ("get", "services")),
        ("GET", "/api/v1/namespaces/websites/services", ("list", "services")),
        ("GET", "/api/v1/namespaces/websites", ("get", "namespaces")),
        ("GET", "/api/v1/nodes", ("list", "nodes")),
        ("PATCH", "/apis/apps/v1/namespaces/websites/deployments/kubia", ("patch", "deployments")),
        ("POST", "/apis/apps/v1/namespaces/websites/deployments", ("create", "deployments")),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/system/leases/a", ("update", "leases")),
        ("DELETE", "/apis/networking.k8s.io/v1/namespaces/a/ingresses/b", ("delete", "ingresses")),
        ("PATCH", "/apis/extensions.example.com/v1/namespaces/a/websites/b/status", ("patch", "websites/status")),
    ],
)
def test_a_request_is_named_as_rbac_names_it(method, path, call):
    assert call_of(method, path, watch=False) == call


def test_a_watch_is_not_taken_for_a_listing():
    assert call_of("GET", "/apis/apps/v1/deployments", watch=True) == ("watch", "deployments")


@pytest.mark.parametrize(
    ("collection", "path"),
    [
        (Collection(Service, "websites", {}), "/api/v1/namespaces/websites/services"),
        (Collection(Node, "", {}), "/api/v1/nodes"),
        (Collection(Deployment, "", {}), "/apis/apps/v1/deployments"),
    ],
)
def test_a_collection_has_the_path_of_its_kind(collection, path):
    assert collection.path == path


def test_labels_narrow_a_collection_down():
    labels = {"app": "web", "tier": "front"}
    assert Collection(Service, "websites", labels).parameters == {"labelSelector": "app=web,tier=front"}


def test_who_may_not_write_sends_no_write_but_reads():
    sent = []

    def answer(request):
        sent.append(request.method)
        return httpx2.Response(200)

    async def scenario():
        transport = guarded(httpx2.MockTransport(answer), lambda: False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            await http.get("/api")
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                with pytest.raises(NotLeadingError, match=f"{method} /api held back"):
                    await http.request(method, "/api")

    asyncio.run(scenario())
    assert sent == ["GET"]
