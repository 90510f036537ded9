"""The images run: as their user, on a read-only root, the way that the stack's pods use them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime import FailedError, Runtime, mounted, started, why_not, writable
from syncing import Origin, eventually

ROOT = Path(__file__).parents[3]
CONTROLLERS = sorted(path.parent.name for path in (ROOT / "controllers").glob("*/__main__.py"))

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture(scope="module")
def runtime() -> Iterator[Runtime]:
    with started() as runtime:
        yield runtime


@pytest.mark.parametrize(
    ("image", "uid"),
    [
        ("redis", 999),
        ("nginx", 101),
        ("memcached", 11211),
        ("git-sync", 65533),
        ("controllers", 65532),
        ("toolbox", 65532),
    ],
)
def test_an_image_runs_as_the_user_of_the_published_one_and_cannot_write_its_root(
    runtime: Runtime, image: str, uid: int
):
    seen = runtime.once(image, "sh", "-c", "id -u; id -g; touch /new 2> /dev/null || echo refused")
    assert seen.split() == [str(uid), str(uid), "refused"]


def test_pause_keeps_a_pods_namespaces_and_reaps_its_orphans(runtime: Runtime):
    with runtime.running("pause") as pause:
        orphan = "(sleep 0.2 &) ; sleep 0.6; ps -e -o stat=,comm="
        seen = runtime.once("toolbox", "sh", "-c", orphan, options=(f"--with-ns=pid:/proc/{pause.pid}/ns/pid",))
    assert "catatonit" in seen
    assert "sleep" not in seen
    assert not any(line.startswith("Z") for line in seen.splitlines())


def test_redis_runs_by_the_stacks_own_scripts(runtime: Runtime, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "password").write_text("of-the-test")
    options = (
        mounted(ROOT / "components" / "redis" / "scripts" / "pair", "/etc/redis-config"),
        mounted(secret, "/etc/redis-secret"),
        writable("/data"),
        writable("/run/redis"),
        "--env=POD_NAME=redis-0",
        "--env=PRIMARY_HOST=redis-0",
        "--env=MAX_MEMORY=10000000",
    )
    with (
        runtime.pod() as pod,
        runtime.running("redis", "sh", "/etc/redis-config/start.sh", options=(*pod, *options)) as redis,
    ):
        assert eventually(lambda: redis.succeeds("sh", "/etc/redis-config/ready.sh"))
        assert redis.succeeds("sh", "/etc/redis-config/alive.sh")
        ask = ("redis-cli", "--no-auth-warning", "-a", "of-the-test")
        assert runtime.once("toolbox", *ask, "set", "key", "value", options=pod) == "OK\n"
        # By number: a file of hosts is the kubelet's business.
        exporter = ("/redis_exporter", "--redis.addr=redis://127.0.0.1:6379", "--redis.password=of-the-test")
        with runtime.running("redis-exporter", *exporter, options=pod):
            metrics = "curl --silent http://127.0.0.1:9121/metrics"
            assert eventually(lambda: "\nredis_up 1\n" in _asked(runtime, pod, metrics))


def test_sentinel_runs(runtime: Runtime):
    start = "echo 'port 26379' > /tmp/sentinel.conf && exec redis-sentinel /tmp/sentinel.conf"
    with runtime.running("redis", "sh", "-c", start, options=(writable("/tmp"),)) as sentinel:  # noqa: S108 - in the container
        assert eventually(lambda: sentinel.succeeds("redis-cli", "-p", "26379", "sentinel", "masters"))
        assert "redis_mode:sentinel" in sentinel.run("redis-cli", "-p", "26379", "info", "server")


def test_memcached_answers(runtime: Runtime):
    ask = "printf 'set k 0 0 5\\r\\nvalue\\r\\nget k\\r\\nquit\\r\\n' | nc -w 5 127.0.0.1 11211"
    with runtime.pod() as pod, runtime.running("memcached", "memcached", "--memory-limit=16", options=pod):
        assert eventually(lambda: "VALUE k 0 5" in _asked(runtime, pod, ask))


def _asked(runtime: Runtime, pod: tuple[str, ...], script: str) -> str:
    try:
        return runtime.once("toolbox", "sh", "-c", script, options=pod)
    except FailedError:
        return ""


def test_coredns_runs(runtime: Runtime, tmp_path: Path):
    folder = tmp_path / "coredns"
    folder.mkdir()
    (folder / "Corefile").write_text(".:1053 {\n  errors\n  health\n}\n")
    command = ("/coredns", "-conf", "/etc/coredns/Corefile")
    with (
        runtime.pod() as pod,
        runtime.running("coredns", *command, options=(*pod, mounted(folder, "/etc/coredns"))) as coredns,
    ):
        assert eventually(lambda: _asked(runtime, pod, "curl --silent http://127.0.0.1:8080/health") == "OK")
        # Without a plugin that knows the name it fails, which is an answer.
        assert "status: SERVFAIL" in _asked(runtime, pod, "dig -p 1053 @127.0.0.1 name.example")
        assert "kubernetes" in coredns.run("/coredns", "-plugins").split()


def test_a_website_is_served_from_the_sandboxs_git_server(runtime: Runtime, origin: Origin, tmp_path: Path):
    """The containers of a Website's pod beside the git server, which runs as any user and serves whoever's files."""
    site = tmp_path / "site"
    site.mkdir()
    site.chmod(0o777)
    daemon = ("git", "daemon", "--reuseaddr", "--export-all", "--base-path=/srv/git", "--enable=receive-pack")
    sync = ("python3", "-m", "sandbox.images.git_sync", "--repo=git://127.0.0.1/team/site.git", "--ref=main")
    sync += (
        "--root=/usr/share/nginx/git",
        "--link=current",
        "--period=200ms",
        "--max-failures=-1",
        "--http-bind=:9312",
    )
    tmp = writable("/tmp")  # noqa: S108 - in the containers
    volume = mounted(site, "/usr/share/nginx")
    link = ("ln", "-sfn", "--", "git/current", "/usr/share/nginx/html")
    serve = ("nginx", "-g", "daemon off;")
    origin.commit(**{"index.html": "one"})
    with (
        runtime.pod() as pod,
        runtime.running("toolbox", *daemon, options=(*pod, mounted(origin.bare.parents[1], "/srv/git"))),
        runtime.running("git-sync", *sync, options=(*pod, tmp, volume)),
    ):
        runtime.once("nginx", *link, options=(*pod, volume))
        with runtime.running("nginx", *serve, options=(*pod, tmp, volume)):
            assert eventually(lambda: _asked(runtime, pod, "curl --silent http://127.0.0.1:8080/") == "one")
            assert _asked(runtime, pod, "curl --silent --fail http://127.0.0.1:9312/ && echo ready") == "ready\n"
            origin.commit(**{"index.html": "two"})
            assert eventually(lambda: _asked(runtime, pod, "curl --silent http://127.0.0.1:8080/") == "two")


def test_where_the_internet_leads_in_the_sandbox_is_set_for_the_whole_image(runtime: Runtime):
    seen = runtime.once("git-sync", "git", "ls-remote", "--get-url", "https://github.com/team/site.git")
    assert seen == "git://git.sandbox.svc.cluster.local/team/site.git\n"


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_every_controller_is_in_the_controllers_image(runtime: Runtime, controller: str):
    assert "--" in runtime.once("controllers", "python", "-m", f"controllers.{controller}", "--help")
