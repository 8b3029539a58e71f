"""The generated kernels that every backend of the tests runs: one list, built once."""

from __future__ import annotations

import numpy as np
from kernels import Array, Case, case
from matmul_cases import matmul_cases
from operator_cases import operator_cases

from jitrt import expr as ex
from jitrt.codegen.cuda_loop import Launch, Variant
from jitrt.expr import ARITHMETIC, BITWISE, COMPARISONS, UNARY, Expr, cast, load, reduce
from jitrt.types import BF16, BOOL, F16, F32, F64, I8, I32, I64, U8, short_name

INTEGERS = [np.dtype(t) for t in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")]
FLOATS = [F16, BF16, F32, F64]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.5, np.inf, -np.inf, np.nan, 1e-40, 1e30, -7.25, 100.0, 1e-3]
PRECISION = {F16: 2e-3, BF16: 1.6e-2, F32: 2e-6, F64: 1e-12}


def integers(dtype: np.dtype) -> Array:
    """The limits, small values of either sign, and shift counts."""
    limits = np.iinfo(dtype)
    signed = [-1, -2, -7, limits.min + 1] if dtype.kind == "i" else []
    return np.array([0, 1, 2, 3, 7, 9, 31, 64, limits.min, limits.max, limits.max - 1, *signed]).astype(dtype)


def pairs(values: Array) -> tuple[Array, Array]:
    """Every value with every other, as two flat arrays."""
    return np.repeat(values, len(values)), np.tile(values, len(values))


def scalar_cases() -> list[Case]:
    """One kernel per element type with all its operations as outputs, on all pairs of special values."""
    cases = []
    for dtype in FLOATS:
        a, b = pairs(np.array(SPECIAL).astype(dtype))
        x, y, name = load(0, dtype), load(1, dtype), short_name(dtype)
        tolerance = PRECISION[dtype]
        angles = ("sin", "cos", "tan")
        unary = [Expr(op, (x,), dtype) for op in UNARY if op not in angles]
        cases.append(case(f"unary_{name}", unary, [np.array(SPECIAL).astype(dtype)], tolerance=tolerance))
        turns = [Expr(op, (x,), dtype) for op in angles]
        cases.append(case(f"angles_{name}", turns, [np.array(SPECIAL).astype(dtype)], tolerance=tolerance))
        binary = [Expr(op, (x, y), dtype) for op in ARITHMETIC]
        cases.append(case(f"arithmetic_{name}", binary, [a, b], tolerance=tolerance))
        tests = [Expr(op, (x, y), BOOL) for op in COMPARISONS] + [ex.isnan(x), ex.isinf(x)]
        cases.append(case(f"compare_{name}", tests, [a, b]))
        other = [ex.where(x < y, x, 2.0), ex.fma(x, y, -0.5), -x, ex.const(1.5, dtype) - x]
        cases.append(case(f"other_{name}", other, [a, b], tolerance=tolerance))
    for dtype in INTEGERS:
        a, b = pairs(integers(dtype))
        x, y, name = load(0, dtype), load(1, dtype), short_name(dtype)
        whole = [Expr(op, (x, y), dtype) for op in (*ARITHMETIC[:-1], *BITWISE)]
        whole += [ex.absolute(x), -x, ~x, ex.floor(x), ex.fma(x, y, 3), ex.where(x > y, x, y)]
        cases.append(case(f"integer_{name}", whole, [a, b]))
        small = (b.astype(np.int64) % 8).astype(dtype)
        cases.append(case(f"power_{name}", [ex.power(x, y)], [a, small]))
        tests = [Expr(op, (x, y), BOOL) for op in COMPARISONS] + [ex.isnan(x), ex.isinf(x)]
        cases.append(case(f"compare_{name}", tests, [a, b]))
    p, q = load(0, BOOL), load(1, BOOL)
    truth = [p & q, p | q, p ^ q, ~p, p < q, ex.eq(p, q), ex.maximum(p, q), ex.minimum(p, q), p + q, p * q]
    cases.append(case("logic", truth, pairs(np.array([False, True]))))
    n = load(1, I32)
    steps = np.array([0, 1, -1, 10, -10, 100, -100, 30] * 4, np.int32)
    for dtype in (F32, F64):
        values = np.linspace(-3, 3, 32).astype(dtype)
        cases.append(case(f"ldexp_{short_name(dtype)}", [ex.ldexp(load(0, dtype), n)], [values, steps]))
    return cases


def cast_cases() -> list[Case]:
    """From every type to every type, values that fit nowhere included, and bits as another type."""
    cases = []
    for source in [*FLOATS, *INTEGERS, BOOL]:
        if source == BOOL:
            values = np.array([False, True])
        elif source in FLOATS:
            values = np.array(
                [0, 1, -1, 1.5, -1.5, 2.5, 100.7, -100.7, 3e4, 65519.9, 65520, 1e-7, 6e-8, 1e-39]
            )
            values = values.astype(source)
        else:
            values = integers(source)
        x = load(0, source)
        targets = [
            t for t in (*FLOATS, *INTEGERS, BOOL) if t != source and not (source in FLOATS and t.kind == "u")
        ]
        cases.append(case(f"cast_{short_name(source)}", [cast(x, t) for t in targets], [values], tolerance=0))
    wide = np.array([np.nan, np.inf, -np.inf, 3e9, -3e9, 1e19, -1e19, 300, -300])
    for source in (F32, F64):
        roots = [cast(load(0, source), t) for t in (I8, I32, I64, U8)]
        cases.append(case(f"overflow_{short_name(source)}", roots, [wide.astype(source)], tolerance=0))
    bits = np.arange(0, 2**16, dtype=np.uint16)
    u16 = np.dtype(np.uint16)
    for half in (F16, BF16):
        h, raw = load(0, half), load(0, u16)
        finite = bits[np.isfinite(bits.view(half).astype(np.float32))]
        cases.append(
            case(f"bits_of_{short_name(half)}", [ex.bitcast(h, u16)], [finite.view(half)], tolerance=0)
        )
        cases.append(
            case(f"bits_to_{short_name(half)}", [cast(ex.bitcast(raw, half), F32)], [bits], tolerance=0)
        )
    roots = [ex.bitcast(load(0, F32), I32), cast(ex.bitcast(load(0, F32), I32), I64)]
    cases.append(case("bits_f32", roots, [np.array(SPECIAL, np.float32)], tolerance=0))
    return cases


def fused_cases() -> list[Case]:
    """Chains over broadcast, strided, unaligned and overlapping operands."""
    random = np.random.default_rng(1)

    def normal(*shape: int) -> Array:
        return random.standard_normal(shape).astype(np.float32)

    x, y, z = (load(i, F32) for i in range(3))
    silu = x / (1.0 + ex.exp(-x)) * y + z
    cases = [
        case(f"chain{n}", [silu], [normal(n), normal(n), normal(n)], tolerance=1e-5) for n in (1, 3, 4, 1027)
    ]
    for rows, columns in ((5, 12), (5, 13)):
        operands = [normal(rows, columns), normal(columns), normal(rows, 1)]
        cases.append(case(f"broadcast{columns}", [silu], operands, tolerance=1e-5))
        transposed = [normal(columns, rows).T, normal(rows, columns), normal(rows, columns)[::-1]]
        cases.append(case(f"transposed{columns}", [silu], transposed, tolerance=1e-5))
    cases.append(case("outer", [x * y], [normal(3, 1, 8), normal(4, 1)], tolerance=1e-6))
    cases.append(case("sliced", [x + y], [normal(6, 40)[::2, 3:19], normal(3, 16)]))
    cases.append(case("unaligned", [x + 1.0], [normal(101)[1:]]))
    cases.append(case("reversed", [x + 1.0], [normal(50)[::-1]]))
    large = np.zeros((4, 16), np.float32)
    cases.append(case("into_columns", [x * 2.0], [normal(4, 8)], outputs=[large[:, ::2]]))
    place = np.zeros(30, np.float32)
    place[:] = normal(30)
    cases.append(case("in_place", [ex.tanh(x)], [place], outputs=[place], tolerance=1e-6))
    h = load(0, F16)
    cases.append(
        case(
            "half_chain",
            [ex.sqrt(ex.absolute(h)) * 3.0 + 1.0],
            [normal(77).astype(np.float16)],
            tolerance=1e-3,
        )
    )
    mixed = [cast(h, F32) + cast(load(1, I64), F32)]
    cases.append(
        case("mixed_widths", mixed, [normal(9, 32).astype(np.float16), np.arange(32)], tolerance=1e-6)
    )
    position = cast(ex.index(0) * 100 + ex.index(1), F32) + x
    cases.append(case("positions", [position], [normal(6, 20)]))
    cases.append(case("two_outputs", [x + y, x < y], [normal(6, 20), normal(20)]))
    return cases


def reduction_cases() -> list[Case]:
    """Rows from a few elements to more than registers hold, columns, several axes, and what they make up."""
    random = np.random.default_rng(2)

    def normal(*shape: int) -> Array:
        return random.standard_normal(shape).astype(np.float32)

    x, g, b = (load(i, F32) for i in range(3))
    e = ex.exp(x - reduce(x, "max"))
    softmax = e / reduce(e, "sum")
    cases = []
    for rows, n in ((5, 1), (3, 7), (9, 64), (2, 1000), (3, 1001), (2, 6000), (1, 17000), (1, 17001)):
        cases.append(case(f"softmax{n}", [softmax], [normal(rows, n)], reduced=[1], tolerance=1e-6))
        each = [reduce(x, kind) for kind in ("sum", "max", "min")]
        cases.append(case(f"reduce{n}", each, [normal(rows, n)], reduced=[1], tolerance=2e-3))
    for n in (4, 96, 770):
        scale = 1.0 / n
        centred = x - reduce(x, "sum") * scale
        variance = reduce(centred * centred, "sum") * scale
        layer_norm = centred / ex.sqrt(variance + 1e-5) * g + b
        operands = [normal(6, n), normal(n), normal(n)]
        cases.append(case(f"layer_norm{n}", [layer_norm], operands, reduced=[1], tolerance=1e-5))
        residual = load(0, F32) + load(1, F32)
        both = [residual, residual / ex.sqrt(reduce(residual * residual, "sum") * scale)]
        cases.append(case(f"add_norm{n}", both, [normal(6, n), normal(6, n)], reduced=[1], tolerance=1e-5))
    for rows, columns in ((1, 5), (7, 40), (100, 33), (700, 70)):
        cases.append(
            case(
                f"columns{rows}",
                [reduce(x, "sum"), reduce(x, "max")],
                [normal(rows, columns)],
                reduced=[0],
                tolerance=1e-4,
            )
        )
    cases.append(case("column_softmax", [softmax], [normal(20, 37)], reduced=[0], tolerance=1e-6))
    cases.append(
        case("outer_and_inner", [reduce(x, "sum")], [normal(6, 5, 8)], reduced=[0, 2], tolerance=1e-5)
    )
    cases.append(case("middle", [x - reduce(x, "max")], [normal(3, 50, 6)], reduced=[1]))
    cases.append(
        case("plane", [x / reduce(ex.absolute(x), "sum")], [normal(3, 9, 12)[:, 1:8]], reduced=[1, 2])
    )
    cases.append(case("whole", [reduce(x, "sum")], [normal(33, 41)], reduced=[0, 1], tolerance=1e-4))
    place = normal(4, 50)
    cases += [case(f"vector{n}", [softmax], [normal(n)], reduced=[0], tolerance=1e-6) for n in (64, 1001)]
    cases.append(case("softmax_in_place", [softmax], [place], reduced=[1], outputs=[place], tolerance=1e-6))
    long = normal(1, 20000)
    cases.append(case("long_in_place", [softmax], [long], reduced=[1], outputs=[long], tolerance=1e-6))
    gaps = normal(4, 50)
    gaps[1, 3], gaps[2, 4], gaps[2, 9], gaps[3] = np.nan, np.inf, -np.inf, -np.inf
    cases.append(case("softmax_special", [softmax], [gaps], reduced=[1], tolerance=1e-6))
    cases.append(case("extremes_special", [reduce(x, "max"), reduce(x, "min")], [gaps], reduced=[1]))
    where = cast(ex.index(1), F32) * x
    cases.append(
        case("weighted", [reduce(where, "sum"), where], [normal(3, 40)], reduced=[1], tolerance=1e-5)
    )
    for dtype in (F16, BF16):
        h = load(0, dtype)
        eh = ex.exp(h - reduce(h, "max"))
        cases.append(
            case(
                f"softmax_{short_name(dtype)}",
                [eh / reduce(eh, "sum")],
                [normal(4, 80).astype(dtype)],
                reduced=[1],
                tolerance=PRECISION[dtype],
            )
        )
    for dtype in [*INTEGERS, F64]:
        v = load(0, dtype)
        values = random.integers(0, 100, (5, 75)).astype(dtype)
        kinds = [reduce(v, kind) for kind in ("sum", "prod", "max", "min")]
        cases.append(case(f"reduce_{short_name(dtype)}", kinds, [values], reduced=[1]))
    flags = random.random((5, 75)) < 0.02
    p = load(0, BOOL)
    cases.append(case("any_all", [reduce(p, "max"), reduce(p, "min")], [flags], reduced=[1]))
    cases.append(case("empty_rows", [reduce(x, "sum"), reduce(x, "max")], [normal(3, 0)], reduced=[1]))
    return cases


def variant_cases() -> list[Case]:
    """The same loop with 64-bit positions, with one block, and with its row in memory, not in registers."""
    random = np.random.default_rng(3)
    x = load(0, F32)
    e = ex.exp(x - reduce(x, "max"))
    rows = random.standard_normal((7, 300)).astype(np.float32)
    softmax = e / reduce(e, "sum")
    launches = {
        "wide": Launch(Variant(wide=True), (7, 1), (64, 1)),
        "one_block": Launch(Variant(), (1, 1), (64, 1)),
        "from_memory": Launch(Variant(resident=False), (7, 1), (16, 1)),
    }
    cases = [
        case(f"softmax_{name}", [softmax], [rows], reduced=[1], launch=launch, tolerance=1e-6)
        for name, launch in launches.items()
    ]
    for name, variant, blocks in (("wide", Variant(wide=True), 9), ("one_block", Variant(), 1)):
        launch = Launch(variant, (blocks, 1), (256, 1))
        cases.append(case(f"map_{name}", [x * 2.0 + 1.0], [rows], launch=launch))
    return cases


GROUPS = {
    "scalar": scalar_cases,
    "cast": cast_cases,
    "fused": fused_cases,
    "reduction": reduction_cases,
    "variant": variant_cases,
    "matmul": matmul_cases,
    "operator": operator_cases,
}
