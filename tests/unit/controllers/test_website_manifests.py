import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.website import manifests, publishing
from controllers.website.model import Gateway, Website
from controllers.website.names import child_name, website_url
from controllers.website.pods import PodOptions, pod_template

OPTIONS = PodOptions(nginx="nginx:1", git_sync="git-sync:v4")
OBJECT = {
    "metadata": {
        "name": "kubia",
        "namespace": "websites",
        "uid": "uid-1",
        "generation": 3,
        "creationTimestamp": "2026-08-01T12:00:00Z",
    },
    "spec": {
        "gitRepo": "https://git.example.com/site.git",
        "ref": "HEAD",
        "path": "",
        "replicas": 2,
        "syncPeriod": "60s",
        "serviceType": "NodePort",
    },
}


def website(**spec):
    return Website.from_object({**OBJECT, "spec": {**OBJECT["spec"], **spec}})


def containers(site):
    spec = pod_template(site, OPTIONS).spec
    assert spec
    return {c.name: c for c in [*(spec.initContainers or []), *spec.containers]}


def test_a_website_is_read_as_the_api_server_returns_it():
    site = website(host="kubia.example.com")
    assert (site.name, site.namespace, site.uid, site.generation) == ("kubia", "websites", "uid-1", 3)
    assert (site.replicas, site.host, site.deleting, site.status) == (2, "kubia.example.com", False, {})
    assert Website.from_object({**OBJECT, "metadata": {**OBJECT["metadata"], "deletionTimestamp": "x"}}).deleting


@given(st.text(), st.text(), st.text())
def test_values_of_users_stay_single_arguments_whatever_they_are(repo, ref, path):
    made = containers(website(gitRepo=repo, ref=ref, path=path))
    plain = containers(website())

    changed = {f"--repo={repo}", f"--ref={ref}"}
    for name in ("clone", "git-sync"):
        assert set(made[name].args or []) - set(plain[name].args or []) <= changed
        assert len(made[name].args or []) == len(plain[name].args or [])
    link, plain_link = made["link"].command or [], plain["link"].command or []
    assert [a for a, b in zip(link, plain_link, strict=True) if a != b] in ([], [f"git/current/{path}"])
    assert made["nginx"] == plain["nginx"]


def test_git_sync_never_gives_up_and_says_when_the_first_sync_is_done():
    sync = containers(website())["git-sync"]
    assert "--max-failures=-1" in (sync.args or [])
    assert sync.readinessProbe
    assert sync.readinessProbe.httpGet
    ports = {p.name: p.containerPort for p in sync.ports or []}
    assert f"--http-bind=:{ports[str(sync.readinessProbe.httpGet.port)]}" in (sync.args or [])


def test_the_first_fetch_ends_by_an_error_that_the_pods_status_keeps():
    clone = containers(website())["clone"]
    assert "--one-time" in (clone.args or [])
    assert not any(a.startswith("--max-failures") for a in clone.args or [])
    assert clone.terminationMessagePolicy == "FallbackToLogsOnError"


def test_commits_are_reported_only_where_there_is_somebody_to_report_to():
    template = pod_template(website(), PodOptions("nginx:1", "git-sync:v4", report_url="http://controller:8080"))
    assert template.spec
    (sync,) = (c for c in template.spec.containers if c.name == "git-sync")
    assert "--webhook-url=http://controller:8080/synced/websites/kubia/uid-1" in (sync.args or [])
    assert not any("webhook" in a for a in containers(website())["git-sync"].args or [])


@pytest.mark.parametrize(
    ("repository", "arguments", "keys"),
    [
        ("https://git.example.com/site.git", ["--password-file=/etc/git-secret/password"], ["username"]),
        (
            "git@git.example.com:site.git",
            ["--ssh-key-file=/etc/git-secret/ssh-privatekey", "--ssh-known-hosts-file=/etc/git-secret/known_hosts"],
            [],
        ),
    ],
)
def test_credentials_reach_git_sync_alone_and_as_files_or_references(repository, arguments, keys):
    site = website(gitRepo=repository, credentialsSecret="deploy")
    made = containers(site)
    for name in ("clone", "git-sync"):
        assert set(arguments) <= set(made[name].args or [])
        references = [e.valueFrom and e.valueFrom.secretKeyRef for e in made[name].env or []]
        assert [(r.name, r.key) for r in references if r] == [("deploy", key) for key in keys]
        assert all(e.value is None for e in made[name].env or [])
    assert "credentials" in [m.name for m in made["git-sync"].volumeMounts or []]
    assert not {m.name for c in ("nginx", "link") for m in made[c].volumeMounts or []} & {"credentials"}


def test_a_missing_secret_does_not_keep_the_pod_from_starting_and_saying_so():
    spec = pod_template(website(credentialsSecret="deploy"), OPTIONS).spec
    assert spec
    (volume,) = (v for v in spec.volumes or [] if v.name == "credentials")
    assert volume.secret
    assert volume.secret.optional


def test_resources_of_a_website_are_those_of_its_web_server():
    wanted = {"requests": {"cpu": "50m"}, "limits": {"memory": "128Mi"}}
    made = containers(website(resources=wanted))
    assert made["nginx"].resources
    assert (made["nginx"].resources.requests, made["nginx"].resources.limits) == ({"cpu": "50m"}, {"memory": "128Mi"})
    assert made["git-sync"].resources == containers(website())["git-sync"].resources


@pytest.mark.parametrize(
    ("repository", "port"),
    [
        ("https://git.example.com/site.git", 443),
        ("https://git.example.com:8443/site.git", 8443),
        ("git://git.example.com/site.git", 9418),
        ("ssh://git@git.example.com/site.git", 22),
        ("ssh://git@git.example.com:2222/site.git", 2222),
        ("git@git.example.com:8443/site.git", 22),
    ],
)
def test_the_pods_reach_dns_and_the_port_of_their_repository_and_nothing_else(repository, port):
    policy = manifests.network_policy(website(gitRepo=repository), OPTIONS).spec
    assert policy
    assert policy.policyTypes == ["Ingress", "Egress"]
    assert [[p.port for p in rule.ports or []] for rule in policy.egress or []] == [[53, 53], [port]]
    assert [[p.port for p in rule.ports or []] for rule in policy.ingress or []] == [[8080]]


def test_the_pods_reach_the_controller_when_they_report_to_it():
    options = PodOptions("nginx:1", "git-sync:v4", report_url="http://controller.system:8081")
    policy = manifests.network_policy(website(), options).spec
    assert policy
    assert [p.port for p in (policy.egress or [])[-1].ports or []] == [8081]


def test_an_http_route_leads_to_the_service_through_the_named_gateway():
    gateway = Gateway("public", namespace="gateways")
    route = msgspec.to_builtins(publishing.http_route(website(), "kubia.example.com", gateway))
    assert route["spec"] == {
        "parentRefs": [{"name": "public", "namespace": "gateways"}],
        "hostnames": ["kubia.example.com"],
        "rules": [{"backendRefs": [{"name": "kubia-website", "port": 80}]}],
    }


def test_a_class_and_a_certificate_of_the_users_choice_are_those_of_the_ingress():
    site = website(ingressClassName="internal", tlsSecret="wildcard")
    spec = publishing.ingress(site, "kubia.example.com").spec
    assert spec
    assert (spec.ingressClassName, [t.secretName for t in spec.tls or []]) == ("internal", ["wildcard"])


def test_git_sync_keeps_its_root_to_itself_in_the_shared_volume():
    """It empties a root in which it finds something strange, as our symlink would be."""
    made = containers(website(path="docs"))
    mounts = {name: {m.name: m.mountPath for m in c.volumeMounts or []}["site"] for name, c in made.items()}
    assert len(set(mounts.values())) == 1
    (link_target, link_name) = (made["link"].command or [])[-2:]
    root = next(a for a in made["git-sync"].args or [] if a.startswith("--root=")).removeprefix("--root=")
    assert not link_name.startswith(f"{root}/")
    assert f"{mounts['nginx']}/{link_target}" == f"{root}/current/docs"
    assert not any(m.subPath for c in made.values() for m in c.volumeMounts or [])


def test_every_container_has_requests_limits_and_a_read_only_root():
    for container in containers(website()).values():
        assert container.resources
        assert (container.resources.requests or {}).keys() == {"cpu", "memory"}
        assert (container.resources.limits or {}).keys() == {"cpu", "memory"}
        assert container.securityContext
        assert container.securityContext.readOnlyRootFilesystem
        assert container.securityContext.runAsUser


def test_scaling_leaves_the_pod_template_alone():
    """Else every step of an autoscaler would restart all pods."""
    assert pod_template(website(replicas=1), OPTIONS) == pod_template(website(replicas=9), OPTIONS)


def test_the_service_finds_the_pods_of_its_own_website_only():
    service, deployment = manifests.service(website()), manifests.deployment(website(), OPTIONS)
    assert service.spec
    assert deployment.spec
    labels = deployment.spec.template.metadata
    assert labels
    selector = service.spec.selector or {}
    assert selector == deployment.spec.selector.matchLabels
    assert selector.items() <= (labels.labels or {}).items()
    assert selector["app.kubernetes.io/instance"] == "kubia"


def test_the_ingress_leads_to_the_service():
    ingress, service = publishing.ingress(website(), "kubia.example.com"), manifests.service(website())
    assert ingress.spec
    (rule,) = ingress.spec.rules or []
    assert rule.http
    backend = rule.http.paths[0].backend.service
    assert backend
    assert backend.port
    assert service.metadata
    assert service.spec
    assert backend.name == service.metadata.name
    assert backend.port.name in [p.name for p in service.spec.ports or []]
    assert [t.hosts for t in ingress.spec.tls or []] == [["kubia.example.com"]]


def test_addresses_are_those_that_users_know():
    assert child_name("kubia") == "kubia-website"
    assert website_url("kubia", "websites", None, "cluster.local") == "http://kubia-website.websites.svc.cluster.local"
    assert website_url("kubia", "websites", "a.example.com", "cluster.local") == "https://a.example.com"
