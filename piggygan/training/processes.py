"""The device, and the processes that train together. The only file of the loop that knows accelerate."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from accelerate.accelerator import Accelerator
from accelerate.utils.dataclasses import DistributedDataParallelKwargs, DistributedType, InitProcessGroupKwargs
from accelerate.utils.operations import broadcast, send_to_device
from accelerate.utils.random import set_seed
from torch import Tensor, distributed, nn
from torch.futures import Future
from torch.utils.data import DataLoader

from piggygan.errors import ConfigurationError, ProcessLostError, TrainingInterruptedError

SPLITTING = (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM)
PATIENCE = timedelta(hours=1)
"""How long the others are waited for: while one validates, say. A process that has died is noticed at once."""
_LOST = re.compile(r"gloo|nccl|peer|Timed out waiting|process group", re.IGNORECASE)

T = TypeVar("T")


class Processes:
    """This process among those that train together, on the device that accelerate found for it.

    One process, unless started with ``torchrun`` or ``accelerate launch``.

    Args:
        seed: All random states are set from it, in each process to another one.

    Raises:
        ConfigurationError: If accelerate was started so that it splits networks over processes, or the processes have
            parted after an error.
    """

    def __init__(self, seed: int) -> None:
        # A discriminator runs twice before its gradients are computed: no buffer may be overwritten in between.
        handlers = [DistributedDataParallelKwargs(broadcast_buffers=False), InitProcessGroupKwargs(timeout=PATIENCE)]
        # Precision is ours to say (see Steps): accelerate can be told only once in the life of a process, and
        # would leave its autocast on the caller's networks. Without it optimizers need no preparation either.
        # Without cpu=True several processes on machines without an accelerator would each train alone, unaware.
        _meet_again()
        cpu = not torch.accelerator.is_available()
        self._accelerator: Any = Accelerator(cpu=cpu, mixed_precision="no", kwargs_handlers=handlers)
        if self._accelerator.distributed_type in SPLITTING:
            raise ConfigurationError(
                f"accelerate was started with {self._accelerator.distributed_type.value}, which splits networks over "
                f"processes: start it for plain data parallelism."
            )
        if self.count > 1 and not distributed.is_initialized():
            raise ConfigurationError("these processes have parted after an error: start the program again.")
        self._send: Any = send_to_device
        self._broadcast: Any = broadcast
        set_seed(seed + self._accelerator.process_index)

    @property
    def device(self) -> torch.device:
        """Return this process's device."""
        device: torch.device = self._accelerator.device
        return device

    @property
    def is_main(self) -> bool:
        """Say whether this is the process that reports."""
        return bool(self._accelerator.is_main_process)

    @property
    def count(self) -> int:
        """Return how many processes train together."""
        return int(self._accelerator.num_processes)

    @property
    def index(self) -> int:
        """Return this process's number, from 0."""
        return int(self._accelerator.process_index)

    def prepare_module(self, module: nn.Module) -> nn.Module:
        """Return a network that exchanges its gradients; with one process the network itself."""
        if self._accelerator.num_processes == 1:
            return module  # prepare_model would leave a mark on it, by which a later move to another device is skipped
        with warnings.catch_warnings():
            # torch 2.13 has another name for broadcast_buffers, which accelerate and torch 2.10 do not know.
            warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
            prepared: Any = self._accelerator.prepare_model(module)
        if self.count > 2:  # of two numbers there is one sum only
            prepared.register_comm_hook(None, lambda state, bucket: _mean_in_order(bucket))  # noqa: ARG005
        return prepared  # type: ignore[no-any-return]

    def prepare_loader(self, loader: DataLoader[Any]) -> Iterable[Any]:
        """Return a loader of this process's share of the batches."""
        prepared: Iterable[Any] = self._accelerator.prepare_data_loader(loader)
        return prepared

    def to_device(self, batch: Any) -> Any:
        """Return a batch with its tensors on this process's device."""
        return self._send(batch, self.device)

    def backward(self, loss: Tensor) -> None:
        """Compute gradients, means over all processes."""
        self._accelerator.backward(loss)

    def mean(self, values: Tensor) -> Tensor:
        """Return the means over all processes."""
        mean: Tensor = self._accelerator.reduce(values, reduction="mean")
        return mean

    def share(self, tensors: list[Tensor]) -> None:
        """Give all processes the main one's values, in place."""
        if self.count > 1:
            self._broadcast(tensors, from_process=0)

    def highest(self, *numbers: int) -> tuple[int, ...]:
        """Return the highest of each number over all processes."""
        if self.count == 1:
            return numbers
        values = torch.tensor(numbers, device=self.device)
        distributed.all_reduce(values, distributed.ReduceOp.MAX)
        return tuple(values.tolist())

    def told(self, value: T) -> T:
        """Return what the main process gives here."""
        told = [value]
        if self.count > 1:
            distributed.broadcast_object_list(told, src=0)
        return told[0]

    def gathered(self, value: T) -> list[T]:
        """Return, in the main process, what each one gives, in their order; in others nothing."""
        if self.count == 1:
            return [value]
        parts: list[Any] | None = [None] * self.count if self.is_main else None
        distributed.gather_object(value, parts, dst=0)
        return parts or []

    def wait(self) -> None:
        """Wait until all processes are here."""
        self._accelerator.wait_for_everyone()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Part from the others if an error ends the block: they then end too, and do not wait for this one for ever.

        Raises:
            ProcessLostError: If another process has parted or died, in place of what that led to here.
        """
        try:
            yield
        except TrainingInterruptedError:  # of which all know
            raise
        except BaseException as error:
            if self.count > 1 and distributed.is_initialized():
                distributed.destroy_process_group()  # which those who wait for this one notice
            if self.count > 1 and isinstance(error, RuntimeError) and _LOST.search(str(error)):
                raise ProcessLostError(
                    f"one of the {self.count} processes ended, was killed, or was not heard of for an hour, and the "
                    f"others with it: start the same again to go on from the last checkpoint."
                ) from error
            raise


def _meet_again() -> None:
    """Meet under a name of this attempt's own if torchrun has started the processes of one machine again.

    It keeps one store over restarts, in which the addresses of those who died still are. A process that reads one
    before it is written anew connects to nobody, and waits. (Machines may count attempts differently: there it is
    left to torch.)
    """
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    is_alone = os.environ.get("GROUP_WORLD_SIZE", "1") == "1"
    if attempt == "0" or not is_alone or os.environ.get("WORLD_SIZE", "1") == "1" or distributed.is_initialized():
        return
    meeting: Any = distributed  # which does not say that it exports all of these
    store, rank, count = next(meeting.rendezvous("env://", timeout=PATIENCE))
    own = meeting.PrefixStore(f"attempt {attempt}", store)
    meeting.init_process_group(store=own, rank=rank, world_size=count, timeout=PATIENCE)


def _mean_in_order(bucket: Any) -> Future[Tensor]:
    """Average gradients over processes, added up in the processes' order.

    DistributedDataParallel lays gradients out anew after a process's first step, and sums of more than two numbers
    depend on the layout: a training that was taken up again would end in other bytes.
    """
    own: Tensor = bucket.buffer()
    parts = [torch.empty_like(own) for _ in range(distributed.get_world_size())]

    def mean(gathered: Future[Any]) -> Tensor:
        gathered.value()  # which raises if a process was lost
        total = parts[0]
        for part in parts[1:]:
            total += part
        return own.copy_(total.div_(len(parts)))

    work: Any = distributed.all_gather(parts, own, async_op=True)
    averaged: Future[Tensor] = work.get_future().then(mean)
    return averaged
