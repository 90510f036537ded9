"""Digests and tags come from a real image registry, with and without a log-in."""

import hashlib
import json
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
import yaml

from components.versions import ChartRelease
from pins.lock import write_lock
from pins.outdated import newest, newest_chart, newest_image
from pins.reference import Reference
from pins.registry import Registry, RegistryError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
TOKEN = "a-token-for-anybody"


@dataclass
class Server:
    """A running registry."""

    host: str

    def push(self, repository: str, tag: str, content: str = "one", *, index: bool = False) -> str:
        """Push an image without layers, or an index of it, and return its digest."""
        url = f"http://{self.host}/v2/{repository}"
        config = json.dumps({"architecture": "amd64", "os": "linux", "author": content}).encode()
        digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
        upload = httpx.post(f"{url}/blobs/uploads/", headers=AUTHORIZED).headers["location"]
        httpx.put(f"{upload}&digest={digest}", content=config, headers=AUTHORIZED).raise_for_status()
        described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(config)}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": []}
        pushed = self._put(url, tag, MANIFEST, manifest)
        if not index:
            return pushed
        platforms = [{"mediaType": MANIFEST, "digest": pushed, "size": len(json.dumps(manifest))}]
        return self._put(url, tag, INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": platforms})

    def _put(self, url: str, tag: str, kind: str, content: Mapping[str, object]) -> str:
        body = json.dumps(content).encode()
        httpx.put(
            f"{url}/manifests/{tag}", content=body, headers={"Content-Type": kind, **AUTHORIZED}
        ).raise_for_status()
        return f"sha256:{hashlib.sha256(body).hexdigest()}"


AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(folder: Path, auth: dict[str, object] | None = None) -> Iterator[Server]:
    host = f"127.0.0.1:{free_port()}"
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": host},
        **({"auth": auth} if auth else {}),
    }
    file = folder / "config.yml"
    file.write_text(yaml.safe_dump(config))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(file)], stdout=log, stderr=log)
    try:
        _await(host, process)
        yield Server(host)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _await(host: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        assert process.poll() is None
        try:
            httpx.get(f"http://{host}/v2/")
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the registry doesn't answer"
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A registry that anybody may use."""
    yield from start(tmp_path_factory.mktemp("registry"))


@dataclass
class Page:
    """What a server answers."""

    content: object
    headers: dict[str, str] = field(default_factory=dict)
    code: int = 200


@contextmanager
def serving(answer: Callable[[str], Page]) -> Generator[str]:
    """Answer requests by path with JSON, which YAML's readers take too; yield the server's address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = answer(self.path)
            self.send_response(page.code)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(page.content).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[tuple[Server, list[str]]]:
    """A registry that wants a token, as the public ones do, and what its tokens' server was asked."""
    asked = list[str]()

    def give(path: str) -> Page:
        asked.append(path)
        return Page({"token": TOKEN})

    with serving(give) as tokens:
        # The registry's own way to test clients: it asks for a token of this realm and takes any.
        realm = {"realm": f"http://{tokens}/token", "service": "images"}
        for registry in start(tmp_path, {"silly": realm}):
            yield registry, asked


@pytest.mark.parametrize("what", ["an image", "an index"])
def test_a_tags_digest_is_that_of_what_was_pushed(what: str, server: Server) -> None:
    pushed = server.push("team/app", "1.0", index=what == "an index")
    with Registry() as registry:
        assert registry.digest(Reference.parse(f"{server.host}/team/app:1.0")) == pushed


def test_a_registry_that_wants_a_token_gets_one_for_pulling_that_repository(locked: tuple[Server, list[str]]) -> None:
    server, asked = locked
    pushed = server.push("team/app", "1.0")
    with Registry() as registry:
        reference = Reference.parse(f"{server.host}/team/app:1.0")
        assert [registry.digest(reference), registry.digest(reference)] == [pushed, pushed]
    (path,) = asked
    assert path.startswith("/token?scope=repository%3Ateam%2Fapp%3Apull")
    assert path.endswith("service=images")


def test_the_lock_holds_what_the_registry_said_and_says_what_changed(server: Server, tmp_path: Path) -> None:
    lock, said = tmp_path / "lock.json", list[str]()
    lock.write_text(json.dumps({"docker.io/library/gone:1": "sha256:0"}))
    image = f"{server.host}/team/moving:1"
    first = server.push("team/moving", "1", "one")
    assert write_lock([image], lock, said.append)
    assert json.loads(lock.read_text()) == {image: first}
    second = server.push("team/moving", "1", "two")
    assert write_lock([image], lock, said.append)
    assert json.loads(lock.read_text()) == {image: second}
    assert said == [f"{image}@{first}", f"{image}@{second} - its tag stood for {first} before"]


def test_an_image_that_can_not_be_asked_for_is_named_and_keeps_its_digest(server: Server, tmp_path: Path) -> None:
    lock, said = tmp_path / "lock.json", list[str]()
    missing, unreachable = f"{server.host}/team/none:1", f"127.0.0.1:{free_port()}/team/app:1"
    lock.write_text(json.dumps({unreachable: "sha256:known"}))
    assert not write_lock([missing, unreachable], lock, said.append)
    assert json.loads(lock.read_text()) == {unreachable: "sha256:known"}
    assert said[0] == f"{missing}: {server.host} has no team/none:1"
    assert said[1].startswith(f"{unreachable}: 127.0.0.1:")
    assert "can't be asked" in said[1]


def test_the_newest_tag_is_found(server: Server) -> None:
    for tag in ("8.2-bookworm", "8.11-bookworm", "9.0-alpine"):
        server.push("team/tagged", tag)
    with Registry() as registry:
        assert newest_image(f"{server.host}/team/tagged:8.2-bookworm", registry) == "8.11-bookworm"
        with pytest.raises(RegistryError, match="has no team/nothing"):
            newest_image(f"{server.host}/team/nothing:1", registry)


def test_tags_are_read_from_all_pages() -> None:
    # Debian's registry answers in one page, the public ones don't.
    pages = {
        "/v2/team/app/tags/list": Page({"tags": ["1"]}, {"Link": '</v2/team/app/tags/list?last=1>; rel="next"'}),
        "/v2/team/app/tags/list?last=1": Page({"tags": ["2"]}),
    }
    with serving(pages.__getitem__) as host, Registry() as registry:
        assert list(registry.tags(Reference.parse(f"{host}/team/app:1"))) == ["1", "2"]


def test_content_that_is_not_what_the_registry_says_is_refused() -> None:
    lie = Page({}, {"Docker-Content-Digest": "sha256:other"})
    refused = pytest.raises(RegistryError, match="names sha256:other for 1 of team/app, sent sha256:")
    with serving(lambda _: lie) as host, Registry() as registry, refused:
        registry.digest(Reference.parse(f"{host}/team/app:1"))


@pytest.mark.parametrize(
    ("current", "offered", "expected"),
    [
        ("v4.7.1", ["v4.7.0", "v4.10.0", "4.11.0", "v4.12.0-rc1"], "v4.10.0"),
        ("8.2.3-bookworm", ["8.2.4", "8.2.4-alpine", "8.2.4-bookworm"], "8.2.4-bookworm"),
        ("1.6.39", ["1.6", "latest", "1.6.9"], "1.6.39"),
    ],
)
def test_only_a_version_written_alike_is_newer(current: str, offered: list[str], expected: str) -> None:
    assert newest(current, offered) == expected


def test_the_newest_chart_comes_from_its_repositorys_index() -> None:
    index = {"apiVersion": "v1", "entries": {"longhorn": [{"version": v} for v in ("1.11.3", "1.12.1", "1.13.0-rc1")]}}
    with serving(lambda path: Page(index, code=200 if path == "/charts/index.yaml" else 404)) as host:
        assert newest_chart(ChartRelease("longhorn", f"http://{host}/charts", "1.11.3")) == "1.12.1"
        with pytest.raises(httpx.HTTPError):
            newest_chart(ChartRelease("longhorn", f"http://{host}/moved", "1.11.3"))


@pytest.mark.parametrize("image", ["redis", "redis:8", "docker.io/library/redis", "localhost:5000/redis"])
def test_an_image_without_registry_or_tag_is_refused(image: str) -> None:
    with pytest.raises(ValueError, match="is no image of the form registry/repository:tag"):
        Reference.parse(image)
