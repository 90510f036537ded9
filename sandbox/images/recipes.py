"""What each image is made of; see `docs/guide/sandbox.md` for why they are made here at all."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.folder import PROJECT
from sandbox.images.additions import Files, Links, Sources, Tool, Wheels

if TYPE_CHECKING:
    from sandbox.images.additions import Addition

REGISTRY = "sandbox.local"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FILES = Path(__file__).parent / "files"
_NONROOT = 65532
# Scripts for a machine's own clusters, its locales but C.UTF-8, queries compiled to machine code (which the server does
# without where the library is missing), and stores that Patroni isn't told to use.
_BESIDE_POSTGRES = ("libllvm14", "locales", "postgresql-common", "python3-etcd", "python3-pysyncobj", "ssl-cert")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image, or with `version` empty a set of layers that other recipes stand `on`.

    `packages` are Debian's, with all they depend on but the recommended; what `on` has isn't put in again. `assumed`
    are packages that one of them depends on and that aren't put in all the same. `version` must be that of the package
    `versioned_by`, as far as it goes. What `additions` bring goes over the packages' files. User, entry point and
    command are those of the published image, so that a pod can name either.
    """

    name: str
    version: str = ""
    versioned_by: str = ""
    on: str = ""
    packages: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    additions: tuple[Addition, ...] = ()
    user: int = _NONROOT
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict[str, str])
    on_demand: bool = False
    """Whether it is made only where it is asked for by name, by tests."""

    @property
    def reference(self) -> str:
        """The name by which a pod asks for the image."""
        return f"{REGISTRY}/{self.name}:{self.version}"


def _files(name: str) -> Files:
    return Files(_FILES / name)


def _project_version() -> str:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]


RECIPES = (
    # Debian's file system since 12: packages may still ship files in the old places.
    Recipe(
        "debian",
        packages=("base-files", "coreutils", "dash", "grep", "sed"),
        additions=(_files("debian"), Links({name: f"usr/{name}" for name in ("bin", "lib", "lib64", "sbin")})),
    ),
    Recipe("python", on="debian", packages=("python3",), additions=(Links({"usr/bin/python": "python3"}),)),
    # git's own server is part of the package; ssh is for private repositories.
    Recipe("git", on="python", packages=("git", "openssh-client"), additions=(_files("git"),)),
    Recipe("pause", "0.1", "catatonit", packages=("catatonit",), user=65535, entrypoint=("/usr/bin/catatonit", "-P")),
    Recipe("coredns", "1.14", additions=(Tool("coredns", "coredns"),), entrypoint=("/coredns",)),
    Recipe(
        "redis",
        "7.0",
        "redis-server",
        on="debian",
        packages=("redis-server", "redis-sentinel"),
        user=999,
        command=("redis-server",),
        folder="/data",
    ),
    Recipe(
        "redis-exporter",
        "1.45",
        "prometheus-redis-exporter",
        on="debian",
        packages=("prometheus-redis-exporter",),
        additions=(Links({"redis_exporter": "usr/bin/prometheus-redis-exporter"}),),
        user=59000,
        entrypoint=("/redis_exporter",),
    ),
    Recipe(
        "memcached",
        "1.6",
        "memcached",
        on="debian",
        packages=("memcached",),
        user=11211,
        # The published image's own entry point puts the program's name before options; nothing else is run here.
        entrypoint=("memcached",),
    ),
    Recipe(
        "postgres",
        "15",
        "postgresql-15",
        on="python",
        # The C library's programs bring the locale C.UTF-8.
        packages=(
            "libc-bin",
            "openssl",
            "patroni",
            "pgbackrest",
            "postgresql-15",
            "procps",
            "python3-croniter",
            "python3-psycopg2",
        ),
        assumed=_BESIDE_POSTGRES,
        additions=(_files("postgres"), Sources("app", PROJECT, ("sandbox/images/postgres", "sandbox/images/tls"))),
        user=101,
        entrypoint=("python3", "-m", "sandbox.images.postgres"),
        folder="/app",
        environment={
            "PATH": f"/usr/lib/postgresql/15/bin:{PATH}",
            "PATRONICTL_CONFIG_FILE": "/tmp/postgres/patroni.yml",  # noqa: S108 - in the container
            "PGHOST": "/tmp/postgres",  # noqa: S108 - in the container
            "PGBACKREST_CONFIG": "/tmp/postgres/archive.conf",  # noqa: S108 - in the container
            "PGBACKREST_STANZA": "main",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        },
    ),
    Recipe(
        "pgbouncer",
        "1.18",
        "pgbouncer",
        on="python",
        packages=("openssl", "pgbouncer"),
        # Scripts for a machine's own clusters.
        assumed=("postgresql-common",),
        additions=(Sources("app", PROJECT, ("sandbox/images/pgbouncer", "sandbox/images/tls")),),
        # The operator runs it so whatever the image says, group 101.
        user=100,
        entrypoint=("python3", "-m", "sandbox.images.pgbouncer"),
        folder="/app",
        environment={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
    ),
    # On the database's image, which has pg_dumpall.
    Recipe(
        "logical-backup",
        "15",
        "postgresql-15",
        on="postgres",
        packages=("s3cmd",),
        assumed=_BESIDE_POSTGRES,
        additions=(Sources("app", PROJECT, ("sandbox/images/logical_backup",)),),
        user=101,
        entrypoint=("python3", "-m", "sandbox.images.logical_backup"),
        folder="/app",
        environment={
            "PATH": f"/usr/lib/postgresql/15/bin:{PATH}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        },
    ),
    Recipe(
        "postgres-operator",
        "1.15",
        additions=(Tool("postgres-operator", "postgres-operator"),),
        user=1000,
        entrypoint=("/postgres-operator",),
    ),
    Recipe(
        "postgres-operator-before",
        "1.14",
        additions=(Tool("postgres-operator-1.14", "postgres-operator"),),
        user=1000,
        entrypoint=("/postgres-operator",),
        on_demand=True,
    ),
    Recipe(
        "nginx",
        "1.22",
        "nginx",
        on="debian",
        packages=("nginx",),
        # Used by a script that upgrades a running server.
        assumed=("iproute2",),
        additions=(
            _files("nginx"),
            Links({"var/log/nginx/access.log": "/dev/stdout", "var/log/nginx/error.log": "/dev/stderr"}),
        ),
        user=101,
        command=("nginx", "-g", "daemon off;"),
    ),
    Recipe(
        "git-sync",
        "4.7",
        on="git",
        additions=(Sources("app", PROJECT, ("sandbox/images/git_sync",)),),
        user=65533,
        entrypoint=("python3", "-m", "sandbox.images.git_sync"),
        folder="/app",
        environment={"HOME": "/tmp"},  # noqa: S108 - a volume of the container's own
    ),
    # The same as controllers/Dockerfile; a layer of its own, which an edited controller leaves as it is.
    Recipe(
        "controllers-lock",
        on="python",
        additions=(Wheels("usr/local/lib/python3.11/dist-packages", PROJECT / "requirements-controllers.txt", "3.11"),),
    ),
    Recipe(
        "controllers",
        _project_version(),
        on="controllers-lock",
        additions=(Sources("app", PROJECT, ("controllers",)),),
        entrypoint=("python", "-m"),
        folder="/app",
        environment={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
    ),
    Recipe(
        "toolbox",
        "1",
        on="git",
        packages=("bind9-dnsutils", "curl", "iproute2", "netcat-openbsd", "procps", "redis-tools"),
        additions=(Links({"usr/bin/nc": "nc.openbsd"}),),
        command=("sh",),
        environment={"HOME": "/tmp"},  # noqa: S108 - a volume of the container's own
    ),
)

BY_NAME = {recipe.name: recipe for recipe in RECIPES}


def line(recipe: Recipe) -> list[Recipe]:
    """Return the recipes whose layers make up the image, the lowest first."""
    return [*line(BY_NAME[recipe.on]), recipe] if recipe.on else [recipe]
