"""The Website controller's process: ``python -m controllers.website``."""

from collections.abc import Sequence

from controllers.runtime.options import Flags, add_runtime_flags, runtime_options
from controllers.runtime.process import run
from controllers.website.controller import WebsiteController
from controllers.website.pods import PodOptions


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the controller with these arguments, the process's own by default."""
    flags = Flags("Makes for every Website what serves and publishes it.")
    add_runtime_flags(flags)
    flags.add("--nginx-image", "NGINX_IMAGE", "image of nginx-unprivileged")
    flags.add("--git-sync-image", "GIT_SYNC_IMAGE", "image of git-sync v4")
    flags.add("--cluster-domain", "CLUSTER_DOMAIN", "DNS domain of the cluster", default="cluster.local")
    flags.add("--report-url", "REPORT_URL", "where pods reach the health address; empty: no commits", default="")
    parsed = flags.parse(arguments)
    pods = PodOptions(parsed.nginx_image, parsed.git_sync_image, parsed.report_url.rstrip("/"))
    run(WebsiteController(pods, parsed.cluster_domain), runtime_options(flags, parsed))


if __name__ == "__main__":
    main()
