from hypothesis import given
from hypothesis import strategies as st

from controllers.website import manifests
from controllers.website.model import Website
from controllers.website.names import child_name, website_url
from controllers.website.pods import Images, pod_template

IMAGES = Images(nginx="nginx:1", git_sync="git-sync:v4")
OBJECT = {
    "metadata": {"name": "kubia", "namespace": "websites", "uid": "uid-1", "generation": 3},
    "spec": {"gitRepo": "https://git.example.com/site.git", "ref": "HEAD", "path": "", "replicas": 2},
}


def website(**spec):
    return Website.from_object({**OBJECT, "spec": {**OBJECT["spec"], **spec}})


def containers(site):
    spec = pod_template(site, IMAGES).spec
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
    assert set(made["git-sync"].args or []) - set(plain["git-sync"].args or []) <= changed
    assert len(made["git-sync"].args or []) == len(plain["git-sync"].args or [])
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
    assert pod_template(website(replicas=1), IMAGES) == pod_template(website(replicas=9), IMAGES)


def test_the_service_finds_the_pods_of_its_own_website_only():
    service, deployment = manifests.service(website()), manifests.deployment(website(), IMAGES)
    assert service.spec
    assert deployment.spec
    labels = deployment.spec.template.metadata
    assert labels
    selector = service.spec.selector or {}
    assert selector == deployment.spec.selector.matchLabels
    assert selector.items() <= (labels.labels or {}).items()
    assert selector["app.kubernetes.io/instance"] == "kubia"


def test_the_ingress_leads_to_the_service():
    ingress, service = manifests.ingress(website(), "kubia.example.com"), manifests.service(website())
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
