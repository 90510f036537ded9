"""The process of the Redis controller: ``python -m controllers.redis``."""

from collections.abc import Sequence
from pathlib import Path

from controllers.redis.controller import RedisController
from controllers.redis.members import Members
from controllers.runtime.options import Flags, add_runtime_flags, runtime_options
from controllers.runtime.process import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the controller with these arguments, the process's own by default."""
    flags = Flags("Keeps the label of Redis' primary true.")
    add_runtime_flags(flags)
    flags.add("--stateful-set", "STATEFUL_SET", "name of the StatefulSet", default="redis-sfs")
    flags.add("--cluster-domain", "CLUSTER_DOMAIN", "DNS domain of the cluster", default="cluster.local")
    flags.add("--password-file", "PASSWORD_FILE", "file with the password of the user monitor")
    flags.add("--ca-file", "CA_FILE", "certificate of the authority, where connections are encrypted", default="")
    parsed = flags.parse(arguments)
    members = Members(Path(parsed.password_file), Path(parsed.ca_file) if parsed.ca_file else None)
    run(RedisController(parsed.stateful_set, parsed.cluster_domain, members), runtime_options(flags, parsed))


if __name__ == "__main__":
    main()
