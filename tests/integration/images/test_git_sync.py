"""The stand-in for git-sync keeps a folder at a commit as git-sync does: real repositories, servers and processes."""

import shutil
import signal
import threading
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from socket import create_server

import pytest
from syncing import Origin, Starting, Sync, eventually, run


def answer(sync: Sync) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{sync.port}/", timeout=5) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except urllib.error.URLError:
        return 0


def test_it_is_ready_from_the_first_sync_on(origin: Origin, start: Starting):
    sync = start(f"--repo={origin.url}", "--ref=main", "--max-failures=-1")
    assert eventually(lambda: "failed, 2 in a row" in sync.log)
    assert answer(sync) == 503
    commit = origin.commit(index="one")
    assert eventually(lambda: answer(sync) == 200)
    assert sync.shows(commit)
    assert (sync.link / "index").read_text() == "one"
    shutil.rmtree(origin.bare)
    assert eventually(lambda: sync.log.count("failed, 1 in a row") == 2)
    assert answer(sync) == 200
    assert (sync.link / "index").read_text() == "one"


def test_a_new_commit_replaces_the_old_one_whole(origin: Origin, start: Starting):
    origin.commit(index="0")
    sync = start(f"--repo={origin.url}")
    assert eventually(sync.link.exists)
    missing: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            target = sync.root / sync.link.readlink()
            if not (target / "index").exists() and sync.root / sync.link.readlink() == target:
                missing.append(str(target))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(1, 6):
        commit = origin.commit(index=str(number))
        assert eventually(lambda commit=commit: sync.shows(commit))
        assert (sync.link / "index").read_text() == str(number)
    done.set()
    watcher.join()
    assert missing == []
    assert eventually(lambda: len(list((sync.root / ".worktrees").iterdir())) == 1)


def test_the_volume_may_be_mounted_elsewhere(origin: Origin, start: Starting, tmp_path: Path):
    origin.commit(index="one")
    sync = start(f"--repo={origin.url}", "--one-time")
    assert sync.process.wait(timeout=15) == 0
    moved = sync.root.rename(tmp_path / "moved")
    assert (moved / "current" / "index").read_text() == "one"


def test_a_hash_is_synced_once_and_never_asked_for_again(origin: Origin, start: Starting):
    commit = origin.commit(index="one")
    origin.commit(index="two")
    sync = start(f"--repo={origin.url}", f"--ref={commit}")
    assert eventually(lambda: answer(sync) == 200)
    shutil.rmtree(origin.bare)
    assert not eventually(lambda: "failed" in sync.log or sync.process.poll() is not None, seconds=1)
    assert (sync.link / "index").read_text() == "one"


@pytest.mark.parametrize(("allowed", "failures"), [("0", 1), ("1", 1), ("3", 3)])
def test_it_gives_up_after_as_many_failures_as_are_allowed(
    origin: Origin, start: Starting, allowed: str, failures: int
):
    sync = start(f"--repo={origin.url}-missing", f"--max-failures={allowed}")
    assert sync.process.wait(timeout=15) == 1
    assert sync.log.count("failed") == failures
    assert "site.git-missing" in sync.log


def test_a_success_makes_earlier_failures_forgotten(origin: Origin, start: Starting):
    origin.commit(index="one")
    sync = start(f"--repo={origin.url}", "--max-failures=1000")
    assert eventually(lambda: answer(sync) == 200)
    away = origin.bare.rename(origin.bare.parent / "away")
    assert eventually(lambda: "failed, 2 in a row" in sync.log)
    away.rename(origin.bare)
    commit = origin.commit(index="two")
    assert eventually(lambda: sync.shows(commit))
    origin.bare.rename(away)
    assert eventually(lambda: sync.log.count("failed, 1 in a row") == 2)


def test_a_root_that_is_no_repository_is_emptied_and_one_that_is_broken_is_made_anew(origin: Origin, start: Starting):
    commit = origin.commit(index="one")
    sync = start(f"--repo={origin.url}", "--one-time")
    assert sync.process.wait(timeout=15) == 0
    (sync.root / ".git" / "HEAD").write_text("rubbish")
    (sync.root / "stray").write_text("rubbish")
    again = start(f"--repo={origin.url}", "--one-time")
    assert again.process.wait(timeout=15) == 0
    assert again.shows(commit)
    assert not (sync.root / "stray").exists()


def test_a_worktree_that_is_gone_is_checked_out_again(origin: Origin, start: Starting):
    commit = origin.commit(index="one")
    sync = start(f"--repo={origin.url}")
    assert eventually(lambda: sync.shows(commit))
    shutil.rmtree(sync.root / ".worktrees" / commit)
    assert eventually((sync.link / "index").exists)


def test_submodules_are_refused_rather_than_left_out(origin: Origin, start: Starting):
    origin.commit(**{".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = https://git.example.com/x.git\n'})
    sync = start(f"--repo={origin.url}")
    assert sync.process.wait(timeout=15) == 1
    assert "submodules" in sync.log
    assert not sync.link.exists()


def test_an_unknown_flag_ends_it_at_once(origin: Origin, start: Starting):
    sync = start(f"--repo={origin.url}", "--exechook-command=true")
    assert sync.process.wait(timeout=15) == 1
    assert "--exechook-command=true: not supported here" in sync.log


def test_sigterm_ends_it_while_it_waits_for_the_next_sync(origin: Origin, start: Starting):
    origin.commit(index="one")
    sync = start(f"--repo={origin.url}", "--period=1h")
    assert eventually(lambda: answer(sync) == 200)
    sync.process.send_signal(signal.SIGTERM)
    assert sync.process.wait(timeout=3) == 0


def test_sigterm_ends_it_while_a_server_keeps_it_waiting(start: Starting, tmp_path: Path):
    with closing(create_server(("127.0.0.1", 0))) as silent:
        sync = start(f"--repo=git://127.0.0.1:{silent.getsockname()[1]}/site.git")
        connection, _ = silent.accept()
        with connection:
            sync.process.send_signal(signal.SIGTERM)
            assert sync.process.wait(timeout=3) == 0
            # The running git is gone as well: its end of the connection is closed.
            connection.settimeout(5)
            while connection.recv(4096):
                pass


def test_a_private_key_and_known_hosts_are_given_to_ssh(origin: Origin, start: Starting, tmp_path: Path):
    """ssh itself is replaced by a program that notes its arguments and runs the far end's command right here."""
    commit = origin.commit(index="one")
    programs = tmp_path / "programs"
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\nfor last; do :; done\neval "$last"\n')
    ssh.chmod(0o755)
    path = f"{programs}:{run('sh', '-c', 'echo $PATH', folder=tmp_path)}"
    sync = start(
        f"--repo=ssh://git@git.example.com{origin.bare}",
        f"--ssh-key-file={tmp_path}/a key",
        f"--ssh-known-hosts-file={tmp_path}/known",
        "--one-time",
        PATH=path,
    )
    assert sync.process.wait(timeout=15) == 0, sync.log
    assert sync.shows(commit)
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[arguments.index("-i") + 1] == f"{tmp_path}/a key"
    assert f"UserKnownHostsFile={tmp_path}/known" in arguments
    assert "StrictHostKeyChecking=yes" in arguments
