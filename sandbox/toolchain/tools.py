"""Every tool the sandbox runs: its version, where its source lies, and which other versions will do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parent / "go"
LANGUAGE_HOST = "pulumi-language-python"
LANGUAGE_HOST_EXEC = "pulumi-language-python-exec"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program built from the Go module folder `module`.

    `ask` are the arguments that make the program print its version. A program found on PATH is used as it is
    when major and minor version are those of `version`; with `newer` also when its minor version is higher.
    A program that can't tell its version is used only beside a suitable `companion`, which its publisher ships
    it with.
    """

    name: str
    version: str
    module: str
    package: str
    ask: tuple[str, ...] = ()
    newer: bool = False
    companion: str = ""
    variables: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of the Go module that pins the source."""
        return MODULES / self.module

    @property
    def linker_flags(self) -> str:
        """Strip symbols, which halves the files, and stamp what the program says of itself."""
        return " ".join(["-s -w", *(f"-X {variable}" for variable in self.variables)])


def _kubernetes(name: str, *ask: str) -> Tool:
    version = "1.36.3"
    major, minor, _ = version.split(".")
    stamped = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    return Tool(
        name=name,
        version=version,
        module="kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        ask=ask or ("--version",),
        variables=tuple(f"k8s.io/component-base/version.{key}={value}" for key, value in stamped.items()),
    )


def _postgres_operator(name: str, version: str) -> Tool:
    return Tool(
        name=name,
        version=version,
        module=name,
        package="github.com/zalando/postgres-operator/cmd",
        # It knows no such option and so tells no version: none on PATH is taken for it.
        ask=("--version",),
        variables=(f"main.version=v{version}",),
    )


def _kwok(name: str) -> Tool:
    return Tool(name, "0.8.0", "kwok", f"sigs.k8s.io/kwok/cmd/{name}", ask=("--version",))


# Quick builds first: what is wrong with Go or the network shows after seconds, not minutes.
TOOLS = (
    Tool(
        name=LANGUAGE_HOST,
        version="3.78.1",  # the last line of versions that lives in the module sdk/v3
        module="pulumi-language-python",
        package="github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
        companion="pulumi",
    ),
    Tool("etcd", "3.6.16", "etcd", "go.etcd.io/etcd/server/v3", ask=("--version",)),
    _kwok("kwok"),
    _kwok("kwokctl"),
    _kubernetes("kubectl", "version", "--client"),
    _kubernetes("kube-scheduler"),
    _kubernetes("kube-controller-manager"),
    _kubernetes("kube-apiserver"),
    Tool(
        name="helm",
        version="3.22.0",
        module="helm",
        package="helm.sh/helm/v3/cmd/helm",
        ask=("version", "--template={{.Version}}"),
        newer=True,
        variables=("helm.sh/helm/v3/internal/version.version=v3.22.0",),
    ),
    Tool(
        name="pulumi",
        version="3.259.0",
        module="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        ask=("version",),
        newer=True,
        variables=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0",),
    ),
)

# Only where the sandbox's nodes are real.
REAL_NODE_TOOLS = (
    Tool("coredns", "1.14.7", "coredns", "platform.sandbox/coredns", ask=("-version",)),
    _kubernetes("kube-proxy"),
    _kubernetes("kubelet"),
    # The version of its CRDs and chart (crds.py), and the newest one that can be had.
    _postgres_operator("postgres-operator", "1.15.1"),
)

# Only for `make lint`, and for the tests of state on object storage.
DEVELOPMENT_TOOLS = (
    Tool(
        name="actionlint",
        version="1.7.12",
        module="actionlint",
        package="github.com/rhysd/actionlint/cmd/actionlint",
        ask=("-version",),
        newer=True,
    ),
    Tool("gofakes3", "1.2.0", "gofakes3", "github.com/johannesboyne/gofakes3/cmd/gofakes3"),
)

# Third-party operators that only tests run.
OPERATOR_TOOLS = (
    Tool(
        name="tigera-operator",
        version="1.36.5",  # of Calico 3.29, the newest one that can be had
        module="tigera-operator",
        package="github.com/tigera/operator",
        ask=("--version",),
        variables=("github.com/tigera/operator/version.VERSION=v1.36.5",),
    ),
    # What stacks had before, to see what an upgrade does to databases that run.
    _postgres_operator("postgres-operator-1.14", "1.14.0"),
)

# The script that the language host starts is a file of the module sdk/v3, which the module `pulumi` requires too.
EXEC_SOURCE = ("github.com/pulumi/pulumi/sdk/v3", "python/cmd/pulumi-language-python-exec")

EVERYWHERE = (*(tool.name for tool in TOOLS), LANGUAGE_HOST_EXEC)
REAL_NODES = tuple(tool.name for tool in REAL_NODE_TOOLS)
ALL_NAMES = (*EVERYWHERE, *REAL_NODES, *(tool.name for tool in (*DEVELOPMENT_TOOLS, *OPERATOR_TOOLS)))
