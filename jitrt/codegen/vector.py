"""Scalar expressions as LLVM vector instructions.

    emitter = Emitter(target)
    [root] = lower([expression])                   # once: exp, pow, half types ... become primitives
    x = emitter.load(F16, pointer, lanes=16)       # a register value: <16 x float>
    y = emitter.emit(root, {0: x}.__getitem__, lanes=16, memo={})
    emitter.store(y, F16, pointer, lanes=16)

appends, for `maximum(load(0, F16), 0)`,

    %v1 = load <16 x half>, ptr %p, align 2
    %v2 = fpext <16 x half> %v1 to <16 x float>
    %v3 = fcmp ogt <16 x float> zeroinitializer, %v2
    %v4 = select <16 x i1> %v3, <16 x float> zeroinitializer, <16 x float> %v2
    %v5 = fptrunc <16 x float> %v4 to <16 x half>
    store <16 x half> %v5, ptr %p, align 2

Types. float16 and bfloat16 are float in registers: loads widen, stores and casts round to nearest even.
bool is i8 (0 or 1) in memory and i1 in registers. One lane is a scalar, not a vector of one.

Semantics. Integer `div` and `rem` by zero give 0, and INT_MIN / -1 wraps. A shift by the width or more
gives 0 (`shr` of a negative number: -1). Float to integer truncates; a value out of range gives an
unspecified integer, never undefined behaviour (on x86 what `cvttss2si` gives, through int32 or int64 for
narrower types, as NumPy and onnxruntime do). `ldexp` multiplies a normal number, n may be an integral float,
and |n| <= 252 (float) or 2044 (double) on targets without `vscalef`. `min` and `max` give NaN for any NaN.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import numpy as np

from jitrt.codegen.ir import Text
from jitrt.codegen.target import Target
from jitrt.expr import Dtype, Expr, walk
from jitrt.types import BF16, BOOL, F16, F32, F64, I32, I64, is_float, short_name

FLOAT_OPCODES = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv", "rem": "frem"}
INT_OPCODES = {"add": "add", "sub": "sub", "mul": "mul", "and": "and", "or": "or", "xor": "xor"}
BOOL_OPCODES = {"add": "or", "mul": "and", "max": "or", "min": "and", "and": "and", "or": "or", "xor": "xor"}
ROUNDINGS = ("floor", "ceil", "rint", "trunc")
FLOAT_PREDICATES = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
LIBM = (
    *("exp", "log", "exp2", "log1p", "expm1", "erf", "pow"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
)
MANTISSA_BITS = {F32: 24, F64: 53}


def element(dtype: Dtype) -> str:
    """The register type of one element. Raises NotImplementedError for a type without arithmetic here."""
    if dtype == BOOL:
        return "i1"
    if dtype.kind in "iu":
        return f"i{8 * dtype.itemsize}"
    if dtype in (F32, F16, BF16):
        return "float"
    if dtype == F64:
        return "double"
    raise NotImplementedError(f"no vector code for element type {short_name(dtype)}")


def memory_element(dtype: Dtype) -> str:
    """The type of one element in memory."""
    special = {BOOL: "i8", F16: "half", BF16: "i16"}
    return special.get(dtype) or element(dtype)


def vector(element_type: str, lanes: int) -> str:
    """The type of `lanes` elements; one lane is a scalar."""
    return element_type if lanes == 1 else f"<{lanes} x {element_type}>"


def suffix(element_type: str, lanes: int) -> str:
    """The ending of an overloaded intrinsic's name, such as v16f32."""
    short = {"float": "f32", "double": "f64", "half": "f16"}.get(element_type, element_type)
    return short if lanes == 1 else f"v{lanes}{short}"


def literal(value: Any, dtype: Dtype, lanes: int) -> str:
    """A constant in every lane."""
    kind = element(dtype)
    if kind == "i1":
        text = "true" if value else "false"
    elif kind in ("float", "double"):
        rounded = float(np.float32(value)) if kind == "float" else float(value)
        text = f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"
    else:
        text = str(int(value))
    return text if lanes == 1 else f"splat ({kind} {text})"


class Emitter(Text):
    """Appends the instructions of expressions on vectors of any number of lanes."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target

    def emit(self, root: Expr, leaf: Callable[[Expr], str], lanes: int, memo: dict[Expr, str]) -> str:
        """The register value of a lowered expression.

        `leaf` gives the value of `load`, `index` and `reduce` nodes. `memo` holds the values already
        computed for these lanes, and is extended.
        """
        for node in walk(root, known=memo):
            if node.op in ("load", "index", "reduce"):
                memo[node] = leaf(node)
            else:
                memo[node] = self._operation(node, [memo[a] for a in node.args], lanes)
        return memo[root]

    # memory

    def load(self, dtype: Dtype, pointer: str, lanes: int, mask: str | None = None) -> str:
        """Consecutive elements at `pointer` as a register value; lanes outside the mask are zero."""
        kind = vector(memory_element(dtype), lanes)
        if mask is None:
            raw = self.let(f"load {kind}, ptr {pointer}, align {dtype.itemsize}")
        else:
            name = f"llvm.masked.load.{suffix(memory_element(dtype), lanes)}.p0"
            align = ("i32", str(dtype.itemsize))
            zero = (kind, "zeroinitializer")
            raw = self.call(name, kind, ("ptr", pointer), align, (f"<{lanes} x i1>", mask), zero)
        return self._widen(raw, dtype, lanes)

    def gather(self, dtype: Dtype, pointers: str, lanes: int, mask: str | None = None) -> str:
        """The elements that a vector of addresses points to; lanes outside the mask are zero."""
        kind = vector(memory_element(dtype), lanes)
        name = f"llvm.masked.gather.{suffix(memory_element(dtype), lanes)}.v{lanes}p0"
        align = ("i32", str(dtype.itemsize))
        chosen = (f"<{lanes} x i1>", mask or "splat (i1 true)")
        raw = self.call(name, kind, (f"<{lanes} x ptr>", pointers), align, chosen, (kind, "zeroinitializer"))
        return self._widen(raw, dtype, lanes)

    def store(self, value: str, dtype: Dtype, pointer: str, lanes: int, mask: str | None = None) -> None:
        """Write a register value to consecutive elements."""
        raw, kind = self._narrow(value, dtype, lanes), vector(memory_element(dtype), lanes)
        if mask is None:
            self.do(f"store {kind} {raw}, ptr {pointer}, align {dtype.itemsize}")
        else:
            name = f"llvm.masked.store.{suffix(memory_element(dtype), lanes)}.p0"
            align = ("i32", str(dtype.itemsize))
            self.call(name, "void", (kind, raw), ("ptr", pointer), align, (f"<{lanes} x i1>", mask))

    def scatter(self, value: str, dtype: Dtype, pointers: str, lanes: int, mask: str | None = None) -> None:
        """Write each lane to its own address."""
        raw, kind = self._narrow(value, dtype, lanes), vector(memory_element(dtype), lanes)
        name = f"llvm.masked.scatter.{suffix(memory_element(dtype), lanes)}.v{lanes}p0"
        align = ("i32", str(dtype.itemsize))
        chosen = (f"<{lanes} x i1>", mask or "splat (i1 true)")
        self.call(name, "void", (kind, raw), (f"<{lanes} x ptr>", pointers), align, chosen)

    def splat(self, value: str, element_type: str, lanes: int) -> str:
        """A scalar in every lane."""
        if lanes == 1:
            return value
        kind = vector(element_type, lanes)
        first = self.let(f"insertelement {kind} poison, {element_type} {value}, i64 0")
        return self.let(f"shufflevector {kind} {first}, {kind} poison, <{lanes} x i32> zeroinitializer")

    def _widen(self, raw: str, dtype: Dtype, lanes: int) -> str:
        kind = vector(memory_element(dtype), lanes)
        if dtype == BOOL:
            return self.let(f"icmp ne {kind} {raw}, {literal(0, np.dtype(np.uint8), lanes)}")
        if dtype == F16:
            return self.let(f"fpext {kind} {raw} to {vector('float', lanes)}")
        if dtype == BF16:
            wide = self.let(f"zext {kind} {raw} to {vector('i32', lanes)}")
            bits = self.let(f"shl {vector('i32', lanes)} {wide}, {literal(16, I32, lanes)}")
            return self.let(f"bitcast {vector('i32', lanes)} {bits} to {vector('float', lanes)}")
        return raw

    def _narrow(self, value: str, dtype: Dtype, lanes: int) -> str:
        kind = vector(memory_element(dtype), lanes)
        if dtype == BOOL:
            return self.let(f"zext {vector('i1', lanes)} {value} to {kind}")
        if dtype == F16:
            return self.let(f"fptrunc {vector('float', lanes)} {value} to {kind}")
        if dtype == BF16:
            bits = self._bfloat_bits(value, lanes)
            return self.let(f"trunc {vector('i32', lanes)} {bits} to {kind}")
        return value

    def _bfloat_bits(self, value: str, lanes: int) -> str:
        """The float rounded to bfloat16, in the low half of an i32.

        The CPU's own conversion flushes denormals, so this adds half a unit (less one if that makes
        the result even) to the bits; a NaN becomes the quiet one.
        """
        i32, f32 = vector("i32", lanes), vector("float", lanes)
        bits = self.let(f"bitcast {f32} {value} to {i32}")
        high = self.let(f"lshr {i32} {bits}, {literal(16, I32, lanes)}")
        odd = self.let(f"and {i32} {high}, {literal(1, I32, lanes)}")
        bias = self.let(f"add {i32} {odd}, {literal(0x7FFF, I32, lanes)}")
        rounded = self.let(f"add {i32} {bits}, {bias}")
        short = self.let(f"lshr {i32} {rounded}, {literal(16, I32, lanes)}")
        nan = self.let(f"fcmp uno {f32} {value}, {value}")
        return self._select(nan, literal(0x7FC0, I32, lanes), short, "i32", lanes)

    # operations

    def binary(self, op: str, dtype: Dtype, a: str, b: str, lanes: int) -> str:
        """One operation on two register values of the same type."""
        operand = Expr("load", (), dtype)
        return self._operation(Expr(op, (operand, operand), dtype), [a, b], lanes)

    def _operation(self, node: Expr, args: list[str], lanes: int) -> str:
        op = node.op
        if op == "const":
            return literal(node.value, node.dtype, lanes)
        if op == "cast":
            return self._cast(args[0], node.args[0].dtype, node.dtype, lanes)
        if op == "table":
            return self._table(node, args[0], lanes)
        if op == "bitcast":
            return self._bitcast(args[0], node.args[0].dtype, node.dtype, lanes)
        if op == "select":
            return self._select(args[0], args[1], args[2], element(node.dtype), lanes)
        if op in FLOAT_PREDICATES:
            return self._compare(op, node.args[0].dtype, args, lanes)
        if op in ("isnan", "isinf"):
            return self._classify(op, node.args[0].dtype, args[0], lanes)
        if op == "not":
            return self.let(
                f"xor {vector(element(node.dtype), lanes)} {args[0]}, {self._ones(node.dtype, lanes)}"
            )
        if node.dtype == BOOL:
            return self.let(f"{BOOL_OPCODES[op]} {vector('i1', lanes)} {args[0]}, {args[1]}")
        if is_float(node.dtype):
            return self._float_operation(node, args, lanes)
        return self._int_operation(node, args, lanes)

    def _float_operation(self, node: Expr, args: list[str], lanes: int) -> str:
        op, kind = node.op, vector(element(node.dtype), lanes)
        if op in ("min", "max"):
            return self._extremum(node, args, lanes)
        if op in FLOAT_OPCODES:
            return self.let(f"{FLOAT_OPCODES[op]} {kind} {args[0]}, {args[1]}")
        if op == "neg":
            return self.let(f"fneg {kind} {args[0]}")
        if op == "ldexp":
            return self._ldexp(node, args[0], args[1], lanes)
        if op in LIBM:
            return self._libm(op, args, node.dtype, lanes)
        name = f"llvm.{'fabs' if op == 'abs' else op}.{suffix(element(node.dtype), lanes)}"
        return self.call(name, kind, *((kind, a) for a in args))

    def _int_operation(self, node: Expr, args: list[str], lanes: int) -> str:
        op, dtype = node.op, node.dtype
        kind, signed = vector(element(dtype), lanes), dtype.kind == "i"
        if op in INT_OPCODES:
            return self.let(f"{INT_OPCODES[op]} {kind} {args[0]}, {args[1]}")
        if op == "neg":
            return self.let(f"sub {kind} {literal(0, dtype, lanes)}, {args[0]}")
        if op == "abs" and signed:
            name = f"llvm.abs.{suffix(element(dtype), lanes)}"
            return self.call(name, kind, (kind, args[0]), ("i1", "false"))
        if op in ("min", "max"):
            name = f"llvm.{'s' if signed else 'u'}{op}.{suffix(element(dtype), lanes)}"
            return self.call(name, kind, (kind, args[0]), (kind, args[1]))
        if op in ("div", "rem"):
            return self._int_division(node, args, lanes)
        if op in ("shl", "shr"):
            return self._shift(node, args, lanes)
        if op == "fma":
            product = self.let(f"mul {kind} {args[0]}, {args[1]}")
            return self.let(f"add {kind} {product}, {args[2]}")
        if op in (*ROUNDINGS, "abs"):
            return args[0]
        raise NotImplementedError(f"{op} of {short_name(dtype)}")

    def _ones(self, dtype: Dtype, lanes: int) -> str:
        return literal(True if dtype == BOOL else -1, dtype, lanes)

    def _select(self, condition: str, then: str, otherwise: str, element_type: str, lanes: int) -> str:
        kind = vector(element_type, lanes)
        return self.let(f"select {vector('i1', lanes)} {condition}, {kind} {then}, {kind} {otherwise}")

    def _compare(self, op: str, dtype: Dtype, args: list[str], lanes: int) -> str:
        kind = vector(element(dtype), lanes)
        if is_float(dtype):
            return self.let(f"fcmp {FLOAT_PREDICATES[op]} {kind} {args[0]}, {args[1]}")
        sign = "" if op in ("eq", "ne") else "s" if dtype.kind == "i" else "u"
        return self.let(f"icmp {sign}{op} {kind} {args[0]}, {args[1]}")

    def _classify(self, op: str, dtype: Dtype, x: str, lanes: int) -> str:
        if not is_float(dtype):
            return literal(False, BOOL, lanes)
        kind = vector(element(dtype), lanes)
        if op == "isnan":
            return self.let(f"fcmp uno {kind} {x}, {x}")
        magnitude = self.call(f"llvm.fabs.{suffix(element(dtype), lanes)}", kind, (kind, x))
        return self.let(f"fcmp oeq {kind} {magnitude}, {literal(np.inf, dtype, lanes)}")

    def _extremum(self, node: Expr, args: list[str], lanes: int) -> str:
        """x86's `maxps a, b` is `a > b ? a : b` and so gives b for any NaN: one more select keeps a's."""
        kind, predicate = vector(element(node.dtype), lanes), "ogt" if node.op == "max" else "olt"
        (a, b), (left, right) = args, node.args
        if right.op == "const":
            a, b, left = b, a, right
        ordered = self.let(f"fcmp {predicate} {kind} {a}, {b}")
        chosen = self._select(ordered, a, b, element(node.dtype), lanes)
        if left.op == "const" and left.value == left.value:
            return chosen
        nan = self.let(f"fcmp uno {kind} {a}, {a}")
        return self._select(nan, a, chosen, element(node.dtype), lanes)

    def _ldexp(self, node: Expr, x: str, n: str, lanes: int) -> str:
        """One instruction (`vscalef`) on AVX-512; elsewhere x * 2**(n >> 1) * 2**(n - (n >> 1))."""
        kind, i32 = vector(element(node.dtype), lanes), vector("i32", lanes)
        floating, wide = is_float(node.args[1].dtype), self._has_avx512()
        bits = 8 * node.dtype.itemsize * lanes
        if wide and floating and lanes > 1 and bits in (128, 256, 512):
            name = f"llvm.x86.avx512.mask.scalef.{'ps' if node.dtype == F32 else 'pd'}.{bits}"
            mask = (f"i{max(lanes, 8)}", "-1")
            rounding = [("i32", "4")] if bits == 512 else []
            return self.call(name, kind, (kind, x), (kind, n), (kind, "zeroinitializer"), mask, *rounding)
        if floating:
            n = self._cast(n, node.dtype, I32, lanes)
        if wide:
            name = f"llvm.ldexp.{suffix(element(node.dtype), lanes)}.{suffix('i32', lanes)}"
            return self.call(name, kind, (kind, x), (i32, n))
        half = self.let(f"ashr {i32} {n}, {literal(1, I32, lanes)}")
        rest = self.let(f"sub {i32} {n}, {half}")
        for exponent in (half, rest):
            x = self.let(f"fmul {kind} {x}, {self._power_of_two(exponent, node.dtype, lanes)}")
        return x

    def _has_avx512(self) -> bool:
        return self.target.has("avx512f") and self.target.has("avx512vl")

    def _power_of_two(self, n: str, dtype: Dtype, lanes: int) -> str:
        """2**n of an i32, from the bits of its exponent field."""
        mantissa = MANTISSA_BITS[dtype] - 1
        bias = 127 if dtype == F32 else 1023
        integer = I32 if dtype == F32 else I64
        kind = vector(element(integer), lanes)
        if dtype == F64:
            n = self.let(f"sext {vector('i32', lanes)} {n} to {kind}")
        biased = self.let(f"add {kind} {n}, {literal(bias, integer, lanes)}")
        bits = self.let(f"shl {kind} {biased}, {literal(mantissa, integer, lanes)}")
        return self.let(f"bitcast {kind} {bits} to {vector(element(dtype), lanes)}")

    def _libm(self, op: str, args: list[str], dtype: Dtype, lanes: int) -> str:
        """The C library's function, called lane by lane."""
        scalar, kind = element(dtype), vector(element(dtype), lanes)
        function = op + ("f" if dtype == F32 else "")
        if lanes == 1:
            return self.call(function, scalar, *((scalar, a) for a in args))
        result = "poison"
        for lane in range(lanes):
            parts = [self.let(f"extractelement {kind} {a}, i64 {lane}") for a in args]
            y = self.call(function, scalar, *((scalar, p) for p in parts))
            result = self.let(f"insertelement {kind} {result}, {scalar} {y}, i64 {lane}")
        return result

    def _table(self, node: Expr, index: str, lanes: int) -> str:
        """Elements of a constant array, `node.value`, at an int32 index."""
        kind, count = element(node.dtype), len(node.value)
        values = [literal(value, node.dtype, 1) for value in node.value]
        name = f"table.{blake2b(' '.join(values).encode(), digest_size=8).hexdigest()}"
        listed = ", ".join(f"{kind} {value}" for value in values)
        self.declarations[name] = f"@{name} = private unnamed_addr constant [{count} x {kind}] [{listed}]"
        at = f"getelementptr {kind}, ptr @{name}, {vector('i32', lanes)} {index}"
        if lanes == 1:
            return self.load(node.dtype, self.let(at), 1)
        return self.gather(node.dtype, self.let(at), lanes)

    def _shift(self, node: Expr, args: list[str], lanes: int) -> str:
        (x, n), dtype = args, node.dtype
        kind, width = vector(element(dtype), lanes), 8 * dtype.itemsize
        opcode = "shl" if node.op == "shl" else "ashr" if dtype.kind == "i" else "lshr"
        amount = node.args[1]
        if amount.op == "const" and 0 <= int(amount.value) < width:
            return self.let(f"{opcode} {kind} {x}, {n}")
        name = f"llvm.umin.{suffix(element(dtype), lanes)}"
        clamped = self.call(name, kind, (kind, n), (kind, literal(width - 1, dtype, lanes)))
        shifted = self.let(f"{opcode} {kind} {x}, {clamped}")
        if opcode == "ashr":
            return shifted
        inside = self.let(f"icmp ult {kind} {n}, {literal(width, dtype, lanes)}")
        return self._select(inside, shifted, literal(0, dtype, lanes), element(dtype), lanes)

    def _int_division(self, node: Expr, args: list[str], lanes: int) -> str:
        """The quotient, or the dividend less its product with the divisor; 0 where the divisor is 0."""
        (x, y), dtype, divisor = args, node.dtype, node.args[1]
        kind, scalar = vector(element(dtype), lanes), element(dtype)
        signed, opcode = dtype.kind == "i", "sdiv" if dtype.kind == "i" else "udiv"
        constant = divisor.op == "const" and int(divisor.value) not in (0, -1)
        if constant:
            quotient = self.let(f"{opcode} {kind} {x}, {y}")
        elif dtype.itemsize <= 4:
            quotient = self._divide_as_floats(x, y, dtype, lanes)
        else:
            unsafe = self.let(f"icmp eq {kind} {y}, {literal(0, dtype, lanes)}")
            if signed:
                minus = self.let(f"icmp eq {kind} {y}, {literal(-1, dtype, lanes)}")
                unsafe = self.let(f"or {vector('i1', lanes)} {unsafe}, {minus}")
            safe = self._select(unsafe, literal(1, dtype, lanes), y, scalar, lanes)
            quotient = self.let(f"{opcode} {kind} {x}, {safe}")
        if signed and not constant:
            minus = self.let(f"icmp eq {kind} {y}, {literal(-1, dtype, lanes)}")
            negated = self.let(f"sub {kind} {literal(0, dtype, lanes)}, {x}")
            quotient = self._select(minus, negated, quotient, scalar, lanes)
        result = quotient
        if node.op == "rem":
            product = self.let(f"mul {kind} {quotient}, {y}")
            result = self.let(f"sub {kind} {x}, {product}")
        if constant:
            return result
        zero = self.let(f"icmp eq {kind} {y}, {literal(0, dtype, lanes)}")
        return self._select(zero, literal(0, dtype, lanes), result, scalar, lanes)

    def _divide_as_floats(self, x: str, y: str, dtype: Dtype, lanes: int) -> str:
        """Exact, because |x| + |y| is below 2**p for the p bits of the float type's significand."""
        wide = F32 if dtype.itemsize <= 2 else F64
        a, b = (self._cast(v, dtype, wide, lanes) for v in (x, y))
        quotient = self.let(f"fdiv {vector(element(wide), lanes)} {a}, {b}")
        direct = "fptosi" if dtype.kind == "i" else "fptoui"
        target = vector(element(dtype), lanes) if dtype.itemsize == 4 else vector("i32", lanes)
        whole = self.let(f"{direct} {vector(element(wide), lanes)} {quotient} to {target}")
        whole = self.let(f"freeze {target} {whole}")
        if dtype.itemsize == 4:
            return whole
        return self.let(f"trunc {target} {whole} to {vector(element(dtype), lanes)}")

    # conversions

    def _bitcast(self, x: str, source: Dtype, dtype: Dtype, lanes: int) -> str:
        raw = self._narrow(x, source, lanes)
        kind, wanted = vector(memory_element(source), lanes), vector(memory_element(dtype), lanes)
        if kind != wanted:
            raw = self.let(f"bitcast {kind} {raw} to {wanted}")
        return self._widen(raw, dtype, lanes)

    def _cast(self, x: str, source: Dtype, dtype: Dtype, lanes: int) -> str:
        kind, wanted = vector(element(source), lanes), vector(element(dtype), lanes)
        if source == dtype:
            return x
        if dtype == BOOL:
            test = "fcmp une" if is_float(source) else "icmp ne"
            return self.let(f"{test} {kind} {x}, {literal(0, source, lanes)}")
        if source == BOOL:
            return self._select(x, literal(1, dtype, lanes), literal(0, dtype, lanes), element(dtype), lanes)
        if is_float(source) and is_float(dtype):
            return self._cast_float(x, source, dtype, lanes)
        if is_float(dtype):
            opcode = "sitofp" if source.kind == "i" else "uitofp"
            y = self.let(f"{opcode} {kind} {x} to {wanted}")
            return self._cast_float(y, F32, dtype, lanes) if dtype in (F16, BF16) else y
        if is_float(source):
            return self._truncate(x, source, dtype, lanes)
        if source.itemsize == dtype.itemsize:
            return x
        widening = "sext" if source.kind == "i" else "zext"
        opcode = widening if dtype.itemsize > source.itemsize else "trunc"
        return self.let(f"{opcode} {kind} {x} to {wanted}")

    def _cast_float(self, x: str, source: Dtype, dtype: Dtype, lanes: int) -> str:
        if element(source) != element(dtype):
            opcode = "fpext" if dtype == F64 else "fptrunc"
            kinds = vector(element(source), lanes), vector(element(dtype), lanes)
            x = self.let(f"{opcode} {kinds[0]} {x} to {kinds[1]}")
        if dtype in (F16, BF16) and source != dtype:
            return self._widen(self._narrow(x, dtype, lanes), dtype, lanes)
        return x

    def _truncate(self, x: str, source: Dtype, dtype: Dtype, lanes: int) -> str:
        kind = vector(element(source), lanes)
        if dtype.itemsize == 8:
            opcode, through = "fptosi" if dtype.kind == "i" else "fptoui", "i64"
        else:
            opcode, through = "fptosi", "i64" if dtype == np.uint32 else "i32"
        whole = self.let(f"{opcode} {kind} {x} to {vector(through, lanes)}")
        whole = self.let(f"freeze {vector(through, lanes)} {whole}")
        if through == element(dtype):
            return whole
        return self.let(f"trunc {vector(through, lanes)} {whole} to {vector(element(dtype), lanes)}")
