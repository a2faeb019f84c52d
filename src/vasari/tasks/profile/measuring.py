"""Time, operations and memory of a subject, by layer: hooks on its layers while it works on a picture."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vasari.foundation.picture import Picture
from vasari.tasks.profile.peak import synchronize
from vasari.tasks.profile.subjects import Subject

BETWEEN = "between layers"


@dataclass
class Layer:
    """A layer of a network, over one run: calls, operations, seconds, and the bytes of its largest result."""

    name: str
    kind: str
    parameters: int
    calls: int = 0
    operations: int = 0
    seconds: float = 0.0
    largest_bytes: int = 0

    @property
    def stage(self) -> str:
        """The network and its part that the layer belongs to, with its number where parts are counted."""
        parts = self.name.split(".")
        return ".".join(parts[: 3 if len(parts) > 3 and parts[2].isdigit() else 2])


@dataclass(frozen=True)
class Measurement:
    """One subject on one picture: layers, operations and the fastest run's seconds in all, peak memory in bytes.

    What lies in no layer (resizing, tone curves, joining tiles) is the difference. `peak_bytes` is the process's
    highest so far on a CPU, Python and torch with it, and what tensors took on a GPU.
    """

    layers: tuple[Layer, ...]
    operations: int
    seconds: float
    hooked_seconds: float
    peak_bytes: int
    all_seconds: tuple[float, ...] = field(default=())

    def stages(self) -> list[Layer]:
        """Layers summed by stage, in order, and last what lies between layers."""
        found: dict[str, Layer] = {}
        for layer in self.layers:
            one = found.setdefault(layer.stage, Layer(layer.stage, "stage", 0))
            one.parameters += layer.parameters
            one.calls += layer.calls
            one.operations += layer.operations
            one.seconds += layer.seconds
            one.largest_bytes = max(one.largest_bytes, layer.largest_bytes)
        rest = Layer(BETWEEN, "stage", 0)
        rest.operations = self.operations - sum(one.operations for one in found.values())
        rest.seconds = max(0.0, self.hooked_seconds - sum(one.seconds for one in found.values()))
        return [*found.values(), rest]


def measured(subject: Subject, picture: Picture, runs: int) -> Measurement:
    """One run to warm up that counts operations, `runs` for the time, one with hooks for the layers' shares."""
    layers = {id(module): layer for module, layer in _layers(subject)}
    modules = [module for module, _ in _layers(subject)]
    counter = FlopCounterMode(display=False)

    def count(module: nn.Module) -> Callable[[Any], None]:
        before, layer = counter.get_total_flops(), layers[id(module)]

        def after(output: Any) -> None:
            layer.operations += counter.get_total_flops() - before
            layer.calls += 1
            layer.largest_bytes = max(layer.largest_bytes, _bytes(output))

        return after

    with _hooked(modules, count), counter:
        subject.run(picture)
    all_seconds = tuple(_timed(subject, picture) for _ in range(runs))

    def time_(module: nn.Module) -> Callable[[Any], None]:
        synchronize(subject.device)
        before, layer = time.perf_counter(), layers[id(module)]

        def after(output: Any) -> None:
            synchronize(subject.device)
            layer.seconds += time.perf_counter() - before

        return after

    with _hooked(modules, time_):
        hooked = _timed(subject, picture)
    operations = int(counter.get_total_flops())
    return Measurement(
        tuple(layers.values()), operations, min(all_seconds), hooked, peak_bytes(subject.device), all_seconds
    )


def parameters(subject: Subject) -> int:
    """Numbers that were learned."""
    return sum(one.numel() for network in subject.networks.values() for one in network.parameters())


def peak_bytes(device: torch.device) -> int:
    """The most memory used so far: of tensors on CUDA, else of the whole process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _layers(subject: Subject) -> list[tuple[nn.Module, Layer]]:
    """The modules that hold parameters themselves."""
    found = []
    for network_name, network in subject.networks.items():
        for name, module in network.named_modules():
            own = sum(one.numel() for one in module.parameters(recurse=False))
            if own and not any(True for _ in module.children()):
                found.append((module, Layer(f"{network_name}.{name}", type(module).__name__, own)))
    return found


@contextmanager
def _hooked(modules: list[nn.Module], begin: Callable[[nn.Module], Callable[[Any], None]]) -> Iterator[None]:
    """While it lasts, `begin(module)` is called before each call of a layer, and what it gives after it."""
    open_calls: dict[int, Callable[[Any], None]] = {}

    def before(module: nn.Module, given: Any) -> None:
        open_calls[id(module)] = begin(module)

    def after(module: nn.Module, given: Any, output: Any) -> None:
        open_calls.pop(id(module))(output)

    hooks = [one.register_forward_pre_hook(before) for one in modules]
    hooks += [one.register_forward_hook(after) for one in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _timed(subject: Subject, picture: Picture) -> float:
    synchronize(subject.device)
    began = time.perf_counter()
    subject.run(picture)
    synchronize(subject.device)
    return time.perf_counter() - began


def _bytes(output: Any) -> int:
    if isinstance(output, Tensor):
        return output.numel() * output.element_size()
    return sum(_bytes(one) for one in output) if isinstance(output, (tuple, list)) else 0
