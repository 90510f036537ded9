"""Makes the images and prints each one's name, digest, size and archive; with `--update` of the newest packages."""

from __future__ import annotations

import argparse
import sys

from sandbox import images
from sandbox.errors import SandboxError
from sandbox.images import archive
from sandbox.progress import Progress

_MEGABYTE = 1_000_000


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.images", description=__doc__)
    parser.add_argument("--update", action="store_true", help="take the newest packages that apt can get")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(images.NAMES)}; all by default")
    arguments = parser.parse_args()
    progress = Progress()
    try:
        if arguments.update:
            images.update()
        for name, file in images.ensure(progress, arguments.names or None).items():
            size = file.stat().st_size / _MEGABYTE
            print(f"{images.reference(name):32} {archive.digest_of(file)} {size:6.1f} MB  {file}")
    except SandboxError as error:
        progress.failure(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
