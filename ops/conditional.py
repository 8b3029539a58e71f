"""Branches."""

from jitrt.opdef import inlining_operator
from jitrt.tensor import known


@inlining_operator("If", since=1)
def if_(condition, *, then_branch, else_branch):
    """One of two graphs, by a condition. https://onnx.ai/onnx/operators/onnx__If.html"""
    return then_branch if known(condition).ravel()[0] else else_branch
