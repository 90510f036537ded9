"""The Website controller's process: ``python -m controllers.website``."""

from collections.abc import Sequence

from controllers.runtime.options import Flags, add_runtime_flags, runtime_options
from controllers.runtime.process import run
from controllers.website.controller import WebsiteController
from controllers.website.pods import Images


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the controller with these arguments, the process's own by default."""
    flags = Flags("Makes a Deployment, a Service and an Ingress for every Website.")
    add_runtime_flags(flags)
    flags.add("--nginx-image", "NGINX_IMAGE", "image of nginx-unprivileged")
    flags.add("--git-sync-image", "GIT_SYNC_IMAGE", "image of git-sync v4")
    flags.add("--cluster-domain", "CLUSTER_DOMAIN", "DNS domain of the cluster", default="cluster.local")
    parsed = flags.parse(arguments)
    images = Images(nginx=parsed.nginx_image, git_sync=parsed.git_sync_image)
    run(WebsiteController(images, parsed.cluster_domain), runtime_options(flags, parsed))


if __name__ == "__main__":
    main()
