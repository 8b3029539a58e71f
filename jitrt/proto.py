"""The messages of onnx.proto, with the fields that jitrt reads.

https://github.com/onnx/onnx/blob/main/onnx/onnx-ml.proto
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitrt.wire import (
    Message,
    byte_strings,
    integer,
    integers,
    message,
    messages,
    real,
    reals,
    text,
    texts,
    view,
)

Numbers = Sequence[Any] | np.ndarray[Any, Any]

FLOAT, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TENSORS, GRAPHS = range(1, 11)
SPARSE_TENSOR, SPARSE_TENSORS, TYPE_PROTO, TYPE_PROTOS = range(11, 15)
EXTERNAL = 1


class StringStringEntryProto(Message):
    """An entry of a dictionary."""

    key: str = text(1)
    value: str = text(2)


class OperatorSetIdProto(Message):
    """The version that a model imports of a domain."""

    domain: str = text(1)
    version: int = integer(2)


class TensorProto(Message):
    """A tensor, in `raw_data`, in the field of its element type, or in another file."""

    dims: Numbers = integers(1)
    data_type: int = integer(2)
    float_data: Numbers = reals(4)
    int32_data: Numbers = integers(5)
    string_data: Sequence[bytes] = byte_strings(6)
    int64_data: Numbers = integers(7)
    name: str = text(8)
    raw_data: memoryview = view(9)
    double_data: Numbers = reals(10, np.float64)
    uint64_data: Numbers = integers(11)
    external_data: Sequence[StringStringEntryProto] = messages(13, lambda: StringStringEntryProto)
    data_location: int = integer(14)


class SparseTensorProto(Message):
    """A tensor as its non-zero values and their places; its name is that of `values`."""

    values: TensorProto | None = message(1, lambda: TensorProto)
    indices: TensorProto | None = message(2, lambda: TensorProto)
    dims: Numbers = integers(3)


class Dimension(Message):
    """A size or a symbol."""

    dim_value: int = integer(1)
    dim_param: str = text(2)
    denotation: str = text(3)


class TensorShapeProto(Message):
    """A shape."""

    dim: Sequence[Dimension] = messages(1, lambda: Dimension)


class TensorTypeProto(Message):
    """The type of a dense or sparse tensor."""

    elem_type: int = integer(1)
    shape: TensorShapeProto | None = message(2, lambda: TensorShapeProto)


class ElementTypeProto(Message):
    """The type of a sequence or an optional."""

    elem_type: TypeProto | None = message(1, lambda: TypeProto)


class MapTypeProto(Message):
    """The type of a map."""

    key_type: int = integer(1)
    value_type: TypeProto | None = message(2, lambda: TypeProto)


class OpaqueTypeProto(Message):
    """A type known to its domain only."""

    domain: str = text(1)
    name: str = text(2)


class TypeProto(Message):
    """One of six kinds of type."""

    tensor_type: TensorTypeProto | None = message(1, lambda: TensorTypeProto)
    sequence_type: ElementTypeProto | None = message(4, lambda: ElementTypeProto)
    map_type: MapTypeProto | None = message(5, lambda: MapTypeProto)
    opaque_type: OpaqueTypeProto | None = message(7, lambda: OpaqueTypeProto)
    sparse_tensor_type: TensorTypeProto | None = message(8, lambda: TensorTypeProto)
    optional_type: ElementTypeProto | None = message(9, lambda: ElementTypeProto)


class ValueInfoProto(Message):
    """The declaration of a value."""

    name: str = text(1)
    type: TypeProto | None = message(2, lambda: TypeProto)


class AttributeProto(Message):
    """An attribute; `type` says which field holds it. `ref_attr_name` names one of the function around."""

    name: str = text(1)
    f: float = real(2)
    i: int = integer(3)
    s: memoryview = view(4)
    t: TensorProto | None = message(5, lambda: TensorProto)
    g: GraphProto | None = message(6, lambda: GraphProto)
    floats: Numbers = reals(7)
    ints: Numbers = integers(8)
    strings: Sequence[bytes] = byte_strings(9)
    tensors: Sequence[TensorProto] = messages(10, lambda: TensorProto)
    graphs: Sequence[GraphProto] = messages(11, lambda: GraphProto)
    tp: TypeProto | None = message(14, lambda: TypeProto)
    type_protos: Sequence[TypeProto] = messages(15, lambda: TypeProto)
    type: int = integer(20)
    ref_attr_name: str = text(21)
    sparse_tensor: SparseTensorProto | None = message(22, lambda: SparseTensorProto)
    sparse_tensors: Sequence[SparseTensorProto] = messages(23, lambda: SparseTensorProto)


class NodeProto(Message):
    """An operator or function call."""

    input: Sequence[str] = texts(1)
    output: Sequence[str] = texts(2)
    name: str = text(3)
    op_type: str = text(4)
    attribute: Sequence[AttributeProto] = messages(5, lambda: AttributeProto)
    domain: str = text(7)
    overload: str = text(8)


class GraphProto(Message):
    """A model's graph, or a body."""

    node: Sequence[NodeProto] = messages(1, lambda: NodeProto)
    name: str = text(2)
    initializer: Sequence[TensorProto] = messages(5, lambda: TensorProto)
    doc_string: str = text(10)
    input: Sequence[ValueInfoProto] = messages(11, lambda: ValueInfoProto)
    output: Sequence[ValueInfoProto] = messages(12, lambda: ValueInfoProto)
    sparse_initializer: Sequence[SparseTensorProto] = messages(15, lambda: SparseTensorProto)


class FunctionProto(Message):
    """A function local to the model, or an operator's body."""

    name: str = text(1)
    input: Sequence[str] = texts(4)
    output: Sequence[str] = texts(5)
    attribute: Sequence[str] = texts(6)
    node: Sequence[NodeProto] = messages(7, lambda: NodeProto)
    opset_import: Sequence[OperatorSetIdProto] = messages(9, lambda: OperatorSetIdProto)
    domain: str = text(10)
    attribute_proto: Sequence[AttributeProto] = messages(11, lambda: AttributeProto)
    overload: str = text(13)


class ModelProto(Message):
    """A model file."""

    ir_version: int = integer(1)
    producer_name: str = text(2)
    producer_version: str = text(3)
    domain: str = text(4)
    model_version: int = integer(5)
    doc_string: str = text(6)
    graph: GraphProto | None = message(7, lambda: GraphProto)
    opset_import: Sequence[OperatorSetIdProto] = messages(8, lambda: OperatorSetIdProto)
    metadata_props: Sequence[StringStringEntryProto] = messages(14, lambda: StringStringEntryProto)
    functions: Sequence[FunctionProto] = messages(25, lambda: FunctionProto)
