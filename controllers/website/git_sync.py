"""The git-sync containers of a Website's pod, for git-sync v4 (flags: its README at v4.7.1).

``clone`` fetches once before anything serves; when it can't, it ends and Kubernetes keeps the end of its log in the
pod's status, where the controller finds it. ``git-sync`` then stays and never gives up.
"""

from lightkube.models.core_v1 import (
    Container,
    ContainerPort,
    EnvVar,
    EnvVarSource,
    HTTPGetAction,
    Probe,
    SecretKeySelector,
    SecretVolumeSource,
    Volume,
    VolumeMount,
)

from controllers.website.containers import requirements, security, temporary
from controllers.website.model import Website

SYNC_PORT = 9312
UID = 65533
# git-sync empties its root when it finds something strange there: nothing of ours may lie in it.
ROOT = "git"
LINK = "current"

CREDENTIALS = "/etc/git-secret"
# Keys of Secrets of types kubernetes.io/basic-auth and kubernetes.io/ssh-auth, and of OpenSSH's own file.
USERNAME, PASSWORD, SSH_KEY, KNOWN_HOSTS = "username", "password", "ssh-privatekey", "known_hosts"


def clone(website: Website, image: str, site: str) -> Container:
    """Return the init container that fetches the repository, or ends by an error that says why it can't."""
    return _container("clone", website, image, site, ["--one-time"])


def git_sync(website: Website, image: str, site: str, report_url: str) -> Container:
    """Return the container that follows the repository and reports every new commit, if there is where to."""
    arguments = [
        f"--period={website.sync_period}",
        # A repository that is away for a while is no reason to stop serving: retry for ever.
        "--max-failures=-1",
        f"--http-bind=:{SYNC_PORT}",
    ]
    if report_url:
        arguments.append(f"--webhook-url={report_url}/synced/{website.namespace}/{website.name}/{website.uid}")
    container = _container("git-sync", website, image, site, arguments)
    container.ports = [ContainerPort(name="sync", containerPort=SYNC_PORT, protocol="TCP")]
    # Answers 200 once the first sync is done.
    container.readinessProbe = Probe(httpGet=HTTPGetAction(path="/", port="sync"), periodSeconds=5)
    return container


def credentials_volume(website: Website) -> list[Volume]:
    """Return the volume of the Secret, if there is one.

    Optional, because a pod whose volume is missing waits without saying so in its status; git-sync says what it misses.
    Group-readable by ``fsGroup``, which ssh minds only in files of its own user.
    """
    if not website.credentials_secret:
        return []
    source = SecretVolumeSource(secretName=website.credentials_secret, optional=True, defaultMode=0o400)
    return [Volume(name="credentials", secret=source)]


def _container(name: str, website: Website, image: str, site: str, arguments: list[str]) -> Container:
    mounts = [VolumeMount(name="site", mountPath=site), temporary("git-sync-tmp")]
    if website.credentials_secret:
        mounts.append(VolumeMount(name="credentials", mountPath=CREDENTIALS, readOnly=True))
    return Container(
        name=name,
        image=image,
        args=[
            f"--repo={website.git_repo}",
            f"--ref={website.ref}",
            f"--root={site}/{ROOT}",
            f"--link={LINK}",
            *arguments,
            *_credentials_arguments(website),
        ],
        env=_user_name(website),
        resources=requirements(cpu="10m", memory="64Mi", memory_limit="256Mi"),
        securityContext=security(UID),
        terminationMessagePolicy="FallbackToLogsOnError",
        volumeMounts=mounts,
    )


def _credentials_arguments(website: Website) -> list[str]:
    if not website.credentials_secret:
        return []
    if website.git_repo.startswith("https://"):
        return [f"--password-file={CREDENTIALS}/{PASSWORD}"]
    return [f"--ssh-key-file={CREDENTIALS}/{SSH_KEY}", f"--ssh-known-hosts-file={CREDENTIALS}/{KNOWN_HOSTS}"]


def _user_name(website: Website) -> list[EnvVar] | None:
    if not website.credentials_secret or not website.git_repo.startswith("https://"):
        return None
    # git-sync takes a user name from no file.
    key = SecretKeySelector(name=website.credentials_secret, key=USERNAME, optional=True)
    return [EnvVar(name="GITSYNC_USERNAME", valueFrom=EnvVarSource(secretKeyRef=key))]
