"""Branches."""

from jitrt.control_flow import BranchCall
from jitrt.opdef import inlining_operator
from jitrt.tensor import RunsOnHostError, known


@inlining_operator("If", since=1)
def if_(condition, *, then_branch, else_branch):
    """One of two graphs, by a condition. https://onnx.ai/onnx/operators/onnx__If.html"""
    return then_branch if known(condition).ravel()[0] else else_branch


@if_.native
def branch(condition, *, then_branch, else_branch):
    """Both branches as steps, where they give the same types."""
    then, other = then_branch(), else_branch()
    pairs = zip(then.outputs, other.outputs, strict=True)
    if any((a.dtype, a.shape) != (b.dtype, b.shape) for a, b in pairs):
        raise RunsOnHostError
    return BranchCall(condition, then, other).outputs
