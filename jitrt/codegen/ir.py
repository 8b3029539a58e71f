"""Text of one LLVM function: fresh names, declarations, branches and counted loops.

    f = Text()
    with f.loop("j", "0", "%n", "16") as j:
        p = f.let(f"getelementptr float, ptr %x, i64 {j}")

appends

      %any5 = icmp slt i64 0, %n
      br i1 %any5, label %body1, label %done2
    body1:
      %j3 = phi i64 [ 0, %entry ], [ %next4, %body1 ]
      %v6 = getelementptr float, ptr %x, i64 %j3
      %next4 = add nsw i64 %j3, 16
      %more7 = icmp slt i64 %next4, %n
      br i1 %more7, label %body1, label %done2
    done2:
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Text:
    """The body of a function under construction. Values are operands in LLVM's syntax: names or constants.

    `block` is the label of the block being written; `declarations` are those of all called functions.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.declarations: dict[str, str] = {}
        self.block = "entry"
        self._cells: list[str] = []
        self._serial = 0

    def fresh(self, stem: str) -> str:
        """A name not used before in this function, without its %."""
        self._serial += 1
        return f"{stem}{self._serial}"

    def do(self, instruction: str) -> None:
        """Append an instruction without a result."""
        self.lines.append(f"  {instruction}")

    def let(self, instruction: str, stem: str = "v") -> str:
        """Append an instruction and name its result."""
        name = "%" + self.fresh(stem)
        self.lines.append(f"  {name} = {instruction}")
        return name

    def call(self, function: str, result: str, *arguments: tuple[str, str]) -> str:
        """Call `function` on (type, value) pairs, declaring it; a void call gives the empty string."""
        self.declarations[function] = f"declare {result} @{function}({', '.join(t for t, _ in arguments)})"
        text = f"call {result} @{function}({', '.join(f'{t} {v}' for t, v in arguments)})"
        if result == "void":
            self.do(text)
            return ""
        return self.let(text)

    def start(self, label: str) -> None:
        """Begin a block."""
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        """End the block with a branch to `label`."""
        self.do(f"br label %{label}")

    @contextmanager
    def loop(self, stem: str, start: str, stop: str, step: str = "1") -> Iterator[str]:
        """Run the body with an i64 counter from `start` while it is below `stop`, signed."""
        body, done = self.fresh("body"), self.fresh("done")
        counter, following = self.fresh(stem), self.fresh("next")
        some = self.let(f"icmp slt i64 {start}, {stop}", "any")
        self.do(f"br i1 {some}, label %{body}, label %{done}")
        entry = self.block
        self.start(body)
        phi = len(self.lines)
        self.lines.append("")
        yield f"%{counter}"
        self.do(f"%{following} = add nsw i64 %{counter}, {step}")
        self.lines[phi] = f"  %{counter} = phi i64 [ {start}, %{entry} ], [ %{following}, %{self.block} ]"
        more = self.let(f"icmp slt i64 %{following}, {stop}", "more")
        self.do(f"br i1 {more}, label %{body}, label %{done}")
        self.start(done)

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Run the body where the i1 `condition` holds."""
        then, done = self.fresh("then"), self.fresh("endif")
        self.do(f"br i1 {condition}, label %{then}, label %{done}")
        self.start(then)
        yield
        self.jump(done)
        self.start(done)

    @contextmanager
    def branch(self, condition: str) -> Iterator[Branch]:
        """Run the body's first part where `condition` holds, and what follows its `otherwise()` elsewhere."""
        branch = Branch(self, self.fresh("then"), self.fresh("else"), self.fresh("endif"))
        self.do(f"br i1 {condition}, label %{branch.then}, label %{branch.other}")
        self.start(branch.then)
        yield branch
        self.jump(branch.done)
        self.start(branch.done)

    def cell(self, llvm_type: str, value: str) -> Cell:
        """A variable that loops may assign; LLVM's SROA pass turns it into registers."""
        cell = Cell(self, self.frame(llvm_type), llvm_type)
        cell.set(value)
        return cell

    def frame(self, llvm_type: str) -> str:
        """The address of memory that lives as long as the call."""
        name = "%" + self.fresh("cell")
        self._cells.append(f"  {name} = alloca {llvm_type}")
        return name

    def body(self) -> str:
        """The function's blocks, its variables first."""
        return "\n".join(["entry:", *self._cells, *self.lines])


class Branch:
    """The labels of a two-way branch."""

    def __init__(self, text: Text, then: str, other: str, done: str) -> None:
        self._text, self.then, self.other, self.done = text, then, other, done

    def otherwise(self) -> None:
        """End the first part and begin the second."""
        self._text.jump(self.done)
        self._text.start(self.other)


class Cell:
    """A variable in a function's frame."""

    def __init__(self, text: Text, name: str, llvm_type: str) -> None:
        self._text, self.name, self.type = text, name, llvm_type

    def get(self) -> str:
        """Its value now."""
        return self._text.let(f"load {self.type}, ptr {self.name}")

    def set(self, value: str) -> None:
        """Assign it."""
        self._text.do(f"store {self.type} {value}, ptr {self.name}")
