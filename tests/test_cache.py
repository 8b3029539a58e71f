"""The disk cache against truncated, flipped, foreign and planted files, and against other processes."""

import errno
import multiprocessing
import os
import stat
import time
import warnings
from pathlib import Path

import pytest

from jitrt import config
from jitrt.codegen import cache
from jitrt.codegen.cache import DiskCache

KEY, PAYLOAD = "kernel|host", b"machine code"


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "user" / "jitrt"


@pytest.fixture
def entry(directory):
    """The file that holds PAYLOAD."""
    DiskCache(directory).put(KEY, PAYLOAD)
    (file,) = directory.iterdir()
    return file


def foreign(status: os.stat_result) -> os.stat_result:
    fields = list(status)
    fields[stat.ST_UID] += 1
    return os.stat_result(fields)


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(256)) * 1000])
def test_what_was_put_is_got(directory, payload):
    DiskCache(directory).put(KEY, payload)
    assert DiskCache(directory).get(KEY) == payload
    assert DiskCache(directory).get(KEY + "'") is None


def test_last_put_wins(directory):
    DiskCache(directory).put(KEY, b"old")
    DiskCache(directory).put(KEY, b"new")
    assert DiskCache(directory).get(KEY) == b"new"


def test_directory_and_entries_are_private(directory, entry):
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600


def test_reading_creates_nothing(directory):
    assert DiskCache(directory).get(KEY) is None
    assert not directory.parent.exists()


def test_truncated_entry_is_a_miss(directory, entry):
    whole = entry.read_bytes()
    for size in range(len(whole)):
        entry.write_bytes(whole[:size])
        assert DiskCache(directory).get(KEY) is None
    entry.write_bytes(whole + b"\x00")
    assert DiskCache(directory).get(KEY) is None


def test_every_flipped_byte_is_a_miss(directory, entry):
    whole = entry.read_bytes()
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1
        entry.write_bytes(flipped)
        assert DiskCache(directory).get(KEY) is None
    entry.write_bytes(whole)
    assert DiskCache(directory).get(KEY) == PAYLOAD


def test_entry_of_another_key_is_a_miss(directory, entry):
    disk = DiskCache(directory)
    disk.put("other", b"other code")
    (other,) = set(directory.iterdir()) - {entry}
    entry.write_bytes(other.read_bytes())
    assert disk.get(KEY) is None


def test_bad_entry_is_replaced(directory, entry):
    entry.write_bytes(b"garbage")
    disk = DiskCache(directory)
    assert disk.get(KEY) is None
    disk.put(KEY, PAYLOAD)
    assert disk.get(KEY) == PAYLOAD


def test_entry_of_another_user_is_a_miss(directory, entry, monkeypatch):
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda descriptor: foreign(real(descriptor)))
    assert DiskCache(directory).get(KEY) is None


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_entry_that_others_can_write_is_a_miss(directory, entry, mode):
    entry.chmod(mode)
    assert DiskCache(directory).get(KEY) is None


def test_symbolic_link_is_a_miss_and_put_replaces_it(directory, entry, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    entry.rename(elsewhere)
    entry.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    disk = DiskCache(directory)
    assert disk.get(KEY) is None
    disk.put(KEY, b"new")
    assert disk.get(KEY) == b"new"
    assert elsewhere.read_bytes() == before


def test_fifo_and_directory_are_misses(directory, entry):
    entry.unlink()
    os.mkfifo(entry)
    assert DiskCache(directory).get(KEY) is None
    entry.unlink()
    entry.mkdir()
    assert DiskCache(directory).get(KEY) is None


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_directory_that_others_can_write_is_not_used(directory, entry, mode):
    directory.chmod(mode)
    disk = DiskCache(directory)
    with pytest.warns(RuntimeWarning, match="own and nobody else can write"):
        assert disk.get(KEY) is None
    entry.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        disk.put(KEY, PAYLOAD)
    assert not list(directory.iterdir())


def test_directory_of_another_user_is_not_used(directory, entry, monkeypatch):
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda path: foreign(real(path)))
    with pytest.warns(RuntimeWarning, match="own"):
        assert DiskCache(directory).get(KEY) is None


def test_path_that_is_no_directory_is_not_used(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "jitrt"):
        disk = DiskCache(path)
        with pytest.warns(RuntimeWarning):
            disk.put(KEY, PAYLOAD)
        assert disk.get(KEY) is None


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("call", ["open", "replace"])
def test_disk_that_cannot_be_written_leaves_reading(directory, entry, monkeypatch, call, error):
    disk = DiskCache(directory)
    with monkeypatch.context() as patch:
        real = os.open

        def fail(path, flags, *mode):
            if call == "open" and not flags & os.O_CREAT:
                return real(path, flags, *mode)
            raise OSError(error, os.strerror(error))

        patch.setattr(os, call, fail)
        with pytest.warns(RuntimeWarning, match="cannot be written"):
            disk.put("a", b"1")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # once is enough
            disk.put("b", b"2")
    assert disk.get(KEY) == PAYLOAD
    assert list(directory.iterdir()) == [entry]


def test_directory_removed_meanwhile_is_a_miss(directory, entry):
    disk = DiskCache(directory)
    assert disk.get(KEY) == PAYLOAD
    entry.unlink()
    directory.rmdir()
    assert disk.get(KEY) is None


def _fill(directory: Path, seed: int) -> None:
    disk = DiskCache(directory)
    for step in range(200):
        key = str((step * 7 + seed) % 20)
        disk.put(key, key.encode() * 5000)
        other = str(step % 20)
        assert disk.get(other) in (None, other.encode() * 5000)


def test_two_processes_fill_it_at_once(directory):
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_fill, args=(directory, seed)) for seed in (1, 2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    disk = DiskCache(directory)
    assert all(disk.get(str(key)) == str(key).encode() * 5000 for key in range(20))
    assert {*directory.glob(".*")} <= {directory / ".swept"}


def test_sweep_removes_the_least_recently_used(directory):
    disk = DiskCache(directory)
    for age, key in enumerate("abcdef"):
        disk.put(key, bytes(3000))
        newest = max(directory.glob("[!.]*"), key=lambda file: file.stat().st_mtime)
        os.utime(newest, (0, 1000.0 - age))  # f is the oldest
    DiskCache(directory, limit=10_000).sweep()
    assert [key for key in "abcdef" if disk.get(key) is not None] == ["a", "b"]


def test_puts_sweep_now_and_then(directory):
    disk = DiskCache(directory, limit=20_000)
    for key in range(1000):
        disk.put(str(key), bytes(1000))
        if key < 500 and (directory / ".swept").exists():
            os.utime(directory / ".swept", (0, 1000.0))  # as if hours had gone by
    kept = sum(file.stat().st_size for file in directory.iterdir())
    assert 400_000 < kept < 700_000


def test_one_sweep_an_hour_is_enough(directory):
    disk = DiskCache(directory, limit=20_000)
    disk.put("first", bytes(1000))
    disk.sweep()
    for key in range(300):
        disk.put(str(key), bytes(1000))
    assert len(list(directory.iterdir())) == 302


def test_use_makes_an_entry_recent(directory, entry):
    os.utime(entry, (0, 1000.0))
    DiskCache(directory).get(KEY)
    assert time.time() - entry.stat().st_mtime < 60


def test_sweep_removes_temporary_files_whose_writer_died(directory, entry):
    dead, alive = directory / ".1-dead", directory / ".2-alive"
    dead.write_bytes(b"half")
    alive.write_bytes(b"half")
    os.utime(dead, (0, 1000.0))
    DiskCache(directory).sweep()
    assert set(directory.iterdir()) == {entry, alive, directory / ".swept"}


def test_configured_directory_is_used(directory, monkeypatch):
    monkeypatch.setattr(config, "settings", config.Settings(cache_dir=directory))
    cache.put(KEY, PAYLOAD)
    assert cache.get(KEY) == PAYLOAD
    assert DiskCache(directory).get(KEY) == PAYLOAD
    monkeypatch.setattr(config, "settings", config.Settings(cache_dir=None))
    cache.put(KEY, PAYLOAD)
    assert cache.get(KEY) is None
