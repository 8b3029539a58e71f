"""Scalar expressions as LLVM vector instructions.

    emitter = Emitter(target)
    [root] = lower([expression])                   # once: exp, pow, half types ... become primitives
    x = emitter.load(F16, pointer, lanes=16)       # a register value: <16 x float>
    y = emitter.emit(root, lambda leaf: x, lanes=16, memo={})   # leaf: the load, index or reduce node
    emitter.store(y, F16, pointer, lanes=16)

appends, for `maximum(load(0, F16), 0)`,

    %v1 = load <16 x half>, ptr %p, align 2
    %v2 = fpext <16 x half> %v1 to <16 x float>
    %v3 = fcmp ogt <16 x float> zeroinitializer, %v2
    %v4 = select <16 x i1> %v3, <16 x float> zeroinitializer, <16 x float> %v2
    %v5 = fptrunc <16 x float> %v4 to <16 x half>
    store <16 x half> %v5, ptr %p, align 2

Types. float16 and bfloat16 are float in registers: loads widen, stores and casts round to nearest even.
bool is i8 (0 or 1) in memory and i1 in registers. Types of 8 bits and fewer, but for int8 and uint8, are
only moved, chosen and reinterpreted, as i8. One lane is a scalar, not a vector of one.

Semantics. Integer `div` and `rem` by zero give 0, and INT_MIN / -1 wraps. A shift by the width or more
gives 0 (`shr` of a negative number: -1). Float to integer truncates; a value out of range gives an
unspecified integer, never undefined behaviour (on x86 what `cvttss2si` gives, through int32 or int64 for
narrower types, as NumPy and onnxruntime do). `ldexp` multiplies a normal number, n may be an integral float,
and |n| <= 252 (float) or 2044 (double) on targets without `vscalef`. float64 becomes a 16-bit float by way of
float32. `min` and `max` give NaN for any NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jitrt.codegen.target import Target
from jitrt.codegen.vector_memory import Vectors
from jitrt.codegen.vector_types import element, literal, memory_element, suffix, vector
from jitrt.digest import blake2b
from jitrt.expr import Dtype, Expr, walk
from jitrt.types import BOOL, F32, F64, I32, I64, is_float, is_small, short_name

__all__ = ["LIBM", "Emitter", "element", "literal", "memory_element", "suffix", "vector"]

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


class Emitter(Vectors):
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

    def binary(self, op: str, dtype: Dtype, a: str, b: str, lanes: int) -> str:
        """One operation on two register values of the same type."""
        operand = Expr("load", (), dtype)
        return self._operation(Expr(op, (operand, operand), dtype), [a, b], lanes)

    def _operation(self, node: Expr, args: list[str], lanes: int) -> str:
        op = node.op
        if op == "const":
            return literal(node.value, node.dtype, lanes)
        if op not in ("select", "bitcast") and any(is_small(e.dtype) for e in (node, *node.args)):
            raise NotImplementedError(f"{op} of {short_name(node.args[0].dtype)}")
        if op == "cast":
            return self.cast(args[0], node.args[0].dtype, node.dtype, lanes)
        if op == "table":
            return self._table(node, args[0], lanes)
        if op == "bitcast":
            return self.bitcast(args[0], node.args[0].dtype, node.dtype, lanes)
        if op == "select":
            return self.choose(args[0], args[1], args[2], element(node.dtype), lanes)
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
        chosen = self.choose(ordered, a, b, element(node.dtype), lanes)
        if left.op == "const" and left.value == left.value:
            return chosen
        nan = self.let(f"fcmp uno {kind} {a}, {a}")
        return self.choose(nan, a, chosen, element(node.dtype), lanes)

    def _ldexp(self, node: Expr, x: str, n: str, lanes: int) -> str:
        """One instruction (`vscalef`) on AVX-512; elsewhere x * 2**(n >> 1) * 2**(n - (n >> 1))."""
        kind, i32 = vector(element(node.dtype), lanes), vector("i32", lanes)
        floating, wide = is_float(node.args[1].dtype), self._has_avx512()
        bits = 8 * node.dtype.itemsize * lanes
        if wide and floating and bits == 1024:
            few, scalar = lanes // 2, element(node.dtype)
            parts = [[self.part(v, scalar, lanes, first, few) for v in (x, n)] for first in (0, few)]
            low, high = (self._ldexp(node, a, b, few) for a, b in parts)
            return self.joined(low, high, scalar, few)
        if wide and floating and lanes > 1 and bits in (128, 256, 512):
            name = f"llvm.x86.avx512.mask.scalef.{'ps' if node.dtype == F32 else 'pd'}.{bits}"
            mask = (f"i{max(lanes, 8)}", "-1")
            rounding = [("i32", "4")] if bits == 512 else []
            return self.call(name, kind, (kind, x), (kind, n), (kind, "zeroinitializer"), mask, *rounding)
        if floating:
            n = self.cast(n, node.dtype, I32, lanes)
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
        """Elements of a constant array, `node.value`, at an int32 index; only others than 0 are read."""
        kind, count = element(node.dtype), len(node.value)
        values = [literal(value, node.dtype, 1) for value in node.value]
        name = f"table.{blake2b(' '.join(values).encode(), digest_size=8).hexdigest()}"
        listed = ", ".join(f"{kind} {value}" for value in values)
        self.declarations[name] = f"@{name} = private unnamed_addr constant [{count} x {kind}] [{listed}]"
        found = self.cell(vector(kind, lanes), literal(node.value[0], node.dtype, lanes))
        farthest = index
        if lanes > 1:
            farthest = self.call(f"llvm.vector.reduce.umax.v{lanes}i32", "i32", (f"<{lanes} x i32>", index))
        with self.when(self.let(f"icmp ne i32 {farthest}, 0")):
            at = self.let(f"getelementptr {kind}, ptr @{name}, {vector('i32', lanes)} {index}")
            found.set(self.load(node.dtype, at, 1) if lanes == 1 else self.gather(node.dtype, at, lanes))
        return found.get()

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
        return self.choose(inside, shifted, literal(0, dtype, lanes), element(dtype), lanes)

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
            safe = self.choose(unsafe, literal(1, dtype, lanes), y, scalar, lanes)
            quotient = self.let(f"{opcode} {kind} {x}, {safe}")
        if signed and not constant:
            minus = self.let(f"icmp eq {kind} {y}, {literal(-1, dtype, lanes)}")
            negated = self.let(f"sub {kind} {literal(0, dtype, lanes)}, {x}")
            quotient = self.choose(minus, negated, quotient, scalar, lanes)
        result = quotient
        if node.op == "rem":
            product = self.let(f"mul {kind} {quotient}, {y}")
            result = self.let(f"sub {kind} {x}, {product}")
        if constant:
            return result
        zero = self.let(f"icmp eq {kind} {y}, {literal(0, dtype, lanes)}")
        return self.choose(zero, literal(0, dtype, lanes), result, scalar, lanes)

    def _divide_as_floats(self, x: str, y: str, dtype: Dtype, lanes: int) -> str:
        """Exact, because |x| + |y| is below 2**p for the p bits of the float type's significand."""
        wide = F32 if dtype.itemsize <= 2 else F64
        a, b = (self.cast(v, dtype, wide, lanes) for v in (x, y))
        quotient = self.let(f"fdiv {vector(element(wide), lanes)} {a}, {b}")
        direct = "fptosi" if dtype.kind == "i" else "fptoui"
        target = vector(element(dtype), lanes) if dtype.itemsize == 4 else vector("i32", lanes)
        whole = self.let(f"{direct} {vector(element(wide), lanes)} {quotient} to {target}")
        whole = self.let(f"freeze {target} {whole}")
        if dtype.itemsize == 4:
            return whole
        return self.let(f"trunc {target} {whole} to {vector(element(dtype), lanes)}")
