"""The exception classes against onnxruntime's."""

import copy
import pickle

import pytest

from jitrt import errors

CLASSES = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.JitrtError)]


def test_message_carries_onnxruntimes_prefix():
    error = errors.InvalidArgument("Invalid input name: zz")
    assert str(error) == "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Invalid input name: zz"
    assert error.message == "Invalid input name: zz"


def test_every_class_of_onnxruntime_exists():
    state = pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state")
    theirs = {n for n, c in vars(state).items() if isinstance(c, type) and issubclass(c, Exception)}
    assert {c.__name__ for c in CLASSES} - {"JitrtError"} == theirs


def test_codes_are_distinct():
    codes = [c.code for c in CLASSES if c is not errors.JitrtError]
    assert sorted(codes) == list(range(1, len(codes) + 1))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_errors_survive_pickle_and_copy(cls):
    error = cls("text")
    for clone in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(clone) is cls
        assert str(clone) == str(error)
