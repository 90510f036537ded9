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
    parsed = flags.parse(arguments)
    run(WebsiteController(Images(parsed.nginx_image, parsed.git_sync_image)), runtime_options(flags, parsed))


if __name__ == "__main__":
    main()
