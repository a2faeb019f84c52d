"""Tensors out of the files that PyTorch saves (`.pth`), read without running anything that is in them.

Such a file holds a program for Python's pickle machine, which could do anything. Here its instructions are only looked
at: those that build tables of tensors are followed, by a list of them; any other ends the reading. Both layouts are
known, the archive of today and the plain one before version 1.6, in which official weights are still published.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from vasari.foundation.errors import WeightsError

ZIP_START = b"PK\x03\x04"
PLAIN_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # the magic number 0x1950a86a20f9469cfc6c, as pickle writes it
_KINDS: Mapping[str, torch.dtype] = MappingProxyType({
    "torch FloatStorage": torch.float32, "torch DoubleStorage": torch.float64, "torch HalfStorage": torch.float16,
    "torch BFloat16Storage": torch.bfloat16, "torch LongStorage": torch.int64, "torch IntStorage": torch.int32,
    "torch ShortStorage": torch.int16, "torch CharStorage": torch.int8, "torch ByteStorage": torch.uint8,
    "torch BoolStorage": torch.bool,
})  # fmt: skip
_TENSOR, _OLD_TENSOR = "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor"
_PARAMETER, _TABLE = "torch._utils _rebuild_parameter", "collections OrderedDict"


@dataclass(frozen=True)
class _Name:
    """A thing of a module by its name; it is never fetched."""

    name: str


@dataclass(frozen=True)
class _Storage:
    """Numbers that stand elsewhere in the file: of what kind, under which key, how many."""

    kind: torch.dtype
    key: str
    count: int


@dataclass(frozen=True)
class _View:
    """A tensor over a storage, in elements."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _Unknown(Exception):
    """An instruction, or a thing, that tables of tensors have no need of."""


_MARK = object()


def is_torch_file(data: bytes) -> bool:
    """Whether the bytes begin as one of PyTorch's files."""
    return data.startswith((ZIP_START, PLAIN_START))


def read_torch(data: bytes, name: str = "the file") -> dict[str, Tensor]:
    """The table of tensors in the bytes of a `.pth` file, a checkpoint's "state_dict" where it has one.

    Raises `WeightsError` where it holds more than tables of tensors, or is damaged.
    """
    try:
        found, numbers = _archive(data) if data.startswith(ZIP_START) else _plain(data)
        table = found.get("state_dict", found)
        return {str(key): _tensor(one, numbers) for key, one in table.items() if isinstance(one, _View)}
    except _Unknown as error:
        raise WeightsError(
            f"{name} holds more than tables of tensors ({error}); it is not read, since it could run a program.",
            remedy="convert it where you trust it, to .safetensors",
        ) from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError, OverflowError,
            zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:  # fmt: skip
        raise WeightsError(f"{name} is no whole file of PyTorch's: {error}.", remedy="fetch the file again") from error


def _archive(data: bytes) -> tuple[Any, Mapping[str, bytes]]:
    """The layout since PyTorch 1.6: a zip of data.pkl and data/KEY."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        program = next((one for one in names if one.endswith("/data.pkl") or one == "data.pkl"), "data.pkl")
        folder = program.removesuffix("data.pkl")
        if sum(one.file_size for one in archive.infolist()) > 2 * len(data):
            raise ValueError("it unpacks to more than it is")
        order = archive.read(f"{folder}byteorder") if f"{folder}byteorder" in names else b"little"
        if order != b"little":
            raise ValueError("its numbers are stored big end first")
        start = f"{folder}data/"
        numbers = {one.removeprefix(start): archive.read(one) for one in names if one.startswith(start)}
        return _followed(io.BytesIO(archive.read(program))), numbers


def _plain(data: bytes) -> tuple[Any, Mapping[str, bytes]]:
    """The layout before: programs one after another, then the numbers of each key with their count."""
    file = io.BytesIO(data)
    for _ in ("magic number", "protocol", "system"):
        _followed(file)
    kinds: dict[str, torch.dtype] = {}
    found, keys = _followed(file, kinds), _followed(file)
    numbers = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        wanted = count * kinds[key].itemsize
        numbers[key] = file.read(wanted)
        if len(numbers[key]) < wanted:
            raise ValueError("it is cut short")
    return found, numbers


def _tensor(view: _View, numbers: Mapping[str, bytes]) -> Tensor:
    """The tensor, in memory of its own."""
    if 0 in view.size:
        return torch.zeros(view.size, dtype=view.storage.kind)
    flat = torch.frombuffer(bytearray(numbers[view.storage.key]), dtype=view.storage.kind)
    last = view.offset + sum((size - 1) * stride for size, stride in zip(view.size, view.stride, strict=True))
    if min((*view.size, *view.stride, view.offset), default=0) < 0 or last >= len(flat):
        raise ValueError("a tensor reaches beyond its numbers")
    return flat.as_strided(view.size, view.stride, view.offset).clone()


def _followed(file: io.BytesIO, kinds: dict[str, torch.dtype] | None = None) -> Any:
    """What the program at the file's place builds, up to its end; `kinds` takes in what storages it speaks of."""
    machine = _Machine(kinds if kinds is not None else {})
    for instruction, argument, _ in pickletools.genops(file):
        if instruction.name == "STOP":
            return machine.stack.pop()
        machine.follow(instruction.name, argument)
    raise ValueError("it has no end")


class _Machine:
    """The stack of a pickle program, of whose instructions only those are followed that build plain tables."""

    def __init__(self, kinds: dict[str, torch.dtype]) -> None:
        self.stack: list[Any] = []
        self.kept: dict[int, Any] = {}
        self.kinds = kinds

    def follow(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _VALUES:
            self.stack.append(argument)
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise _Unknown(f"the instruction {name}")

    def marked(self) -> list[Any]:
        """What lies above the last mark, taken off with it."""
        place = max(index for index, one in enumerate(self.stack) if one is _MARK)
        taken = self.stack[place + 1 :]
        del self.stack[place:]
        return taken

    def keep(self, place: int) -> None:
        self.kept[place] = self.stack[-1]

    def pack(self, count: int) -> None:
        taken = self.stack[-count:]
        del self.stack[-count:]
        self.stack.append(tuple(taken))

    def fill(self, pairs: Sequence[Any]) -> None:
        self.stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))

    def named(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(_Name(f"{module} {name}"))

    def stored(self, _: Any) -> None:
        """ "storage", its kind, key, device and count."""
        known = self.stack.pop()
        if known[0] != "storage":
            raise _Unknown(f"a whole {known[0]}")
        _, kind, key, _, count, *_ = known
        if not isinstance(kind, _Name) or kind.name not in _KINDS:
            raise _Unknown(f"numbers of the kind {kind.name if isinstance(kind, _Name) else kind}")
        found = _Storage(_KINDS[kind.name], str(key), int(count))
        self.kinds[found.key] = found.kind
        self.stack.append(found)

    def made(self, _: Any) -> None:
        """What a function of the list would give for its arguments."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, _Name):
            raise _Unknown("a call of something built")
        if function.name == _TABLE:
            self.stack.append(dict(arguments[0]) if arguments else {})
        elif function.name in (_TENSOR, _OLD_TENSOR):
            storage, offset, size, stride = arguments[:4]
            self.stack.append(_View(storage, int(offset), tuple(size), tuple(stride)))
        elif function.name == _PARAMETER:
            self.stack.append(arguments[0])
        else:
            raise _Unknown(f"a call of {function.name.replace(' ', '.')}")

    def described(self, _: Any) -> None:
        """Attributes of a table (its versions), which are not wanted."""
        self.stack.pop()
        if not isinstance(self.stack[-1], dict):
            raise _Unknown("attributes of something else than a table")

    def put(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1][key] = value


_CONSTANTS: Mapping[str, Callable[[], Any]] = MappingProxyType({
    "EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "MARK": lambda: _MARK, "NONE": lambda: None,
    "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
})  # fmt: skip
_VALUES = frozenset({
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING", "BININT", "BININT1", "BININT2",
    "LONG1", "BINFLOAT",
})  # fmt: skip
_STEPS: Mapping[str, Callable[[_Machine, Any], Any]] = MappingProxyType({
    "GLOBAL": lambda machine, name: machine.stack.append(_Name(name)),
    "STACK_GLOBAL": _Machine.named,
    "BINPERSID": _Machine.stored,
    "REDUCE": _Machine.made,
    "BUILD": _Machine.described,
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.marked())),
    "TUPLE1": lambda machine, _: machine.pack(1),
    "TUPLE2": lambda machine, _: machine.pack(2),
    "TUPLE3": lambda machine, _: machine.pack(3),
    "SETITEM": _Machine.put,
    "SETITEMS": lambda machine, _: machine.fill(machine.marked()),
    "APPEND": lambda machine, _: machine.stack[-2].append(machine.stack.pop()),
    "APPENDS": lambda machine, _: (lambda taken: machine.stack[-1].extend(taken))(machine.marked()),
    "BINPUT": lambda machine, place: machine.keep(place),
    "LONG_BINPUT": lambda machine, place: machine.keep(place),
    "MEMOIZE": lambda machine, _: machine.keep(len(machine.kept)),
    "BINGET": lambda machine, place: machine.stack.append(machine.kept[place]),
    "LONG_BINGET": lambda machine, place: machine.stack.append(machine.kept[place]),
})  # fmt: skip
