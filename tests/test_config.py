from pathlib import Path

import pytest

from jitrt import config


def test_nothing_is_on_by_default():
    settings = config.read({"HOME": "/home/someone"})
    assert (settings.debug, settings.check, settings.keep_plans) == (0, False, True)


def test_values_are_read():
    settings = config.read({"JITRT_DEBUG": "3", "JITRT_CHECK": "1", "JITRT_CACHE_DIR": "/a/b"})
    assert settings == config.Settings(3, True, Path("/a/b"))
    assert not config.read({"JITRT_KEEP_PLANS": "0"}).keep_plans


@pytest.mark.parametrize(
    ("name", "value"),
    [("JITRT_DEBUG", "5"), ("JITRT_DEBUG", "yes"), ("JITRT_CHECK", "on"), ("JITRT_KEEP_PLANS", "2")],
)
def test_values_that_mean_nothing_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}: expected 0 .* got '{value}'"):
        config.read({name: value})


def test_cache_directory_follows_xdg():
    assert config.read({"XDG_CACHE_HOME": "/x"}).cache_dir == Path("/x/jitrt")


def test_relative_xdg_cache_home_is_ignored_as_its_specification_says():
    assert config.read({"XDG_CACHE_HOME": "x"}).cache_dir == config.read({}).cache_dir


def test_empty_cache_directory_turns_the_cache_off():
    assert config.read({"JITRT_CACHE_DIR": "", "XDG_CACHE_HOME": "/x"}).cache_dir is None


def test_the_target_is_that_of_the_tests_or_the_machine():
    assert config.read({"JITRT_TARGET": "avx2"}).target == "avx2"
    assert config.read({"JITRT_TARGET": "avx512"}).target == "avx512"
    with pytest.raises(ValueError, match="JITRT_TARGET: expected avx2, avx512 or nothing, got 'sse'"):
        config.read({"JITRT_TARGET": "sse"})
