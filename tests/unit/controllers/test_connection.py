import pytest
import yaml
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from controllers.runtime.connection import Token, load_config


@pytest.fixture
def write(tmp_path):
    """Write a kubeconfig with this user and return its path."""

    def kubeconfig(user, server="http://127.0.0.1:1"):
        path = tmp_path / "kubeconfig"
        config = {
            "current-context": "sandbox",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "contexts": [{"name": "sandbox", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": user}],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    return kubeconfig


def test_a_token_file_is_found_beside_its_kubeconfig(write, tmp_path):
    user = load_config(write({"tokenFile": "token"})).user
    assert user
    assert user.token_file == str(tmp_path / "token")


@pytest.mark.parametrize(
    "user", [{"username": "a", "password": "b"}, {"exec": {"apiVersion": "v1", "command": "login"}}]
)
def test_credentials_that_a_watch_could_not_use_are_refused_at_once(write, user):
    with pytest.raises(ValueError, match="needs a client certificate, token or tokenFile"):
        load_config(write(user))


def test_a_missing_kubeconfig_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        load_config(tmp_path / "nowhere")


def test_a_token_file_that_is_being_written_does_not_lose_the_token_before_it(tmp_path):
    file = tmp_path / "token"
    token = Token(User(token_file=str(file)))
    headers = []
    for content in ("first\n", "", None, "second\n"):
        file.unlink(missing_ok=True) if content is None else file.write_text(content)
        headers.append(token.header()["Authorization"])
    assert headers == ["Bearer first", "Bearer first", "Bearer first", "Bearer second"]


def test_a_user_with_a_client_certificate_sends_no_token():
    assert Token(User(client_cert="cert.pem", client_key="key.pem")).header() == {}
