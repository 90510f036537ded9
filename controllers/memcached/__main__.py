"""The Memcached controller's process: ``python -m controllers.memcached``."""

from collections.abc import Sequence

from controllers.memcached.controller import MemcachedController
from controllers.memcached.pods import Server
from controllers.runtime.options import Flags, add_runtime_flags, runtime_options
from controllers.runtime.process import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the controller with these arguments, the process's own by default."""
    flags = Flags("Makes a Deployment, a headless Service and a disruption budget for every Memcached.")
    add_runtime_flags(flags)
    flags.add("--image", "MEMCACHED_IMAGE", "image of memcached 1.6")
    flags.add("--cpu", "MEMCACHED_CPU", "CPU request of each node", default="50m")
    flags.add("--cpu-limit", "MEMCACHED_CPU_LIMIT", "CPU limit of each node; empty: none", default="")
    flags.add("--memory", "MEMCACHED_MEMORY", "memory limit of each node, three quarters for items", default="128Mi")
    parsed = flags.parse(arguments)
    try:
        server = Server(image=parsed.image, cpu=parsed.cpu, cpu_limit=parsed.cpu_limit or None, memory=parsed.memory)
    except ValueError as error:
        flags.error(f"--memory: {error}")
    run(MemcachedController(server), runtime_options(flags, parsed))


if __name__ == "__main__":
    main()
