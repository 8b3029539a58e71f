"""Loops whose iterations do not depend on each other through memory, told to LLVM as metadata."""

from __future__ import annotations

import re

_LABEL = re.compile(r'("[^"]+"|[\w.$-]+):')
_BRANCH = re.compile(r'\s+br label %("[^"]+"|[\w.$-]+)$')
_ACCESS = re.compile(r"\s+(%\S+ = load|store) ")


def mark_loops(text: str) -> str:
    """The module with every load and store in an access group, which every loop names as parallel.

    A loop then vectorises without a check at run time that its addresses are apart:

        %x = load float, ptr %p, align 4, !llvm.access.group !90000
        br label %header, !llvm.loop !90002

        !90000 = distinct !{}
        !90001 = !{!"llvm.loop.parallel_accesses", !90000}
        !90002 = distinct !{!90002, !90001}

    https://llvm.org/docs/LangRef.html#llvm-loop-parallel-accesses-metadata
    """
    group, accesses, number = 90_000, 90_001, 90_002
    lines: list[str] = []
    loops: list[str] = []
    above: set[str] = set()  # labels of the function so far: a branch to one of them closes a loop
    for line in text.splitlines():
        label, branch = _LABEL.match(line), _BRANCH.match(line)
        if line.startswith("define"):
            above = set()
        elif label:
            above.add(label.group(1))
        elif _ACCESS.match(line):
            line = f"{line}, !llvm.access.group !{group}"
        elif branch and branch.group(1) in above:
            line = f"{line}, !llvm.loop !{number}"
            loops.append(f"!{number} = distinct !{{!{number}, !{accesses}}}")
            number += 1
        lines.append(line)
    lines += [f"!{group} = distinct !{{}}", f'!{accesses} = !{{!"llvm.loop.parallel_accesses", !{group}}}']
    return "\n".join([*lines, *loops, ""])
