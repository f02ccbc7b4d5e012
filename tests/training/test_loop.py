import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piggygan.errors import ConfigurationError, DatasetError, TrainingDivergedError
from piggygan.training import EpochRecord, Pix2PixObjective, SupervisedObjective, TrainingOptions, train

MakeObjective = Callable[..., Pix2PixObjective]
MakeLoader = Callable[[], DataLoader[Any]]


def quick(**options: Any) -> TrainingOptions:
    return TrainingOptions(**{"epochs": 2, "progress": False, **options})


def digest(objective: Any) -> str:
    """Say which bytes an objective's networks hold, running statistics included."""
    state = hashlib.sha256()
    for role, module in sorted(objective.modules().items()):
        for name, tensor in module.state_dict().items():
            state.update(f"{role}.{name}".encode() + tensor.cpu().numpy().tobytes())
    return state.hexdigest()


def test_the_same_seed_ends_in_the_same_bytes_and_another_one_does_not(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    ends = []
    for seed in (1, 1, 2):
        objective = make_objective("batch")
        train(objective, make_loader(), quick(seed=seed))
        ends.append(digest(objective))
    assert ends[0] == ends[1]
    assert ends[0] != ends[2]
    assert ends[0] != digest(make_objective("batch"))


def test_the_steps_are_those_of_adam_written_by_hand(make_pair: Any) -> None:
    generator = nn.Conv2d(1, 1, 1).double()
    weight, bias = generator.weight.item(), generator.bias.item()  # type: ignore[union-attr]
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (3, 1, 1, 4, 4))
    batches = [make_pair(torch.from_numpy(x), torch.from_numpy(-x), ["x"]) for x in images]
    train(
        SupervisedObjective(generator, l1_weight=5.0),
        batches,
        quick(epochs=4, learning_rate=0.01, betas=(0.5, 0.9), weight_decay=0.1, decay_from=0.5),
    )

    at, first, second = np.array([weight, bias]), np.zeros(2), np.zeros(2)
    rates = [0.01, 0.01, 0.01 * 2 / 3, 0.01 / 3]
    for step in range(1, 13):
        x = images[(step - 1) % 3]
        sign = np.sign(at[0] * x + at[1] + x)
        slope = 5.0 * np.array([(sign * x).mean(), sign.mean()]) + 0.1 * at
        first = 0.5 * first + 0.5 * slope
        second = 0.9 * second + 0.1 * slope**2
        at -= rates[(step - 1) // 3] * (first / (1 - 0.5**step)) / (np.sqrt(second / (1 - 0.9**step)) + 1e-8)
    assert [generator.weight.item(), generator.bias.item()] == pytest.approx(at, rel=1e-9)  # type: ignore[union-attr]


def test_each_player_takes_one_step_a_batch_with_its_own_gradients(make_objective: MakeObjective, pairs: Any) -> None:
    loader = DataLoader(pairs, batch_size=1)
    objective, by_hand = make_objective(), make_objective()
    train(objective, loader, quick(epochs=1, seed=5))

    generator, discriminator = by_hand.modules().values()
    optimizers = [torch.optim.Adam(m.parameters(), lr=2e-4, betas=(0.5, 0.999)) for m in (discriminator, generator)]
    batches = list(loader)  # what a loader draws does not reach the networks
    torch.manual_seed(5)
    softplus = nn.functional.softplus
    for batch in batches:
        output = generator(batch.input)
        real = discriminator(torch.cat([batch.input, batch.target], dim=1))
        fake = discriminator(torch.cat([batch.input, output.detach()], dim=1))
        (softplus(-real).mean() / 2 + softplus(fake).mean() / 2).backward()
        optimizers[0].step()
        likeness = 100 * (output - batch.target).abs().mean()
        (softplus(-discriminator(torch.cat([batch.input, output], dim=1))).mean() + likeness).backward()
        optimizers[1].step()
        generator.zero_grad()
        discriminator.zero_grad()
    for role, module in by_hand.modules().items():
        trained = objective.modules()[role].state_dict()
        for name, tensor in module.state_dict().items():
            if not name.endswith("bias"):  # before a norm its gradient is rounding, which Adam blows up to full steps
                torch.testing.assert_close(trained[name], tensor, rtol=1e-4, atol=2e-6)


def test_an_objective_gets_its_own_networks_back(make_objective: MakeObjective, make_loader: MakeLoader) -> None:
    used: list[Any] = []

    class Watched(Pix2PixObjective):
        def use(self, prepared: Any) -> None:
            used.append(prepared)
            super().use(prepared)

    objective = Watched(*make_objective().modules().values())
    train(objective, make_loader(), quick(epochs=1))
    assert len(used) == 2
    assert used[-1] == objective.modules()


def test_training_brings_the_losses_down(make_objective: MakeObjective, make_loader: MakeLoader) -> None:
    history = train(make_objective(), make_loader(), quick(epochs=20, learning_rate=5e-3))
    losses = [record.losses for record in history.epochs]
    assert set(losses[0]) == {"discriminator.real", "discriminator.fake", "generator.adversarial", "generator.l1"}
    assert losses[-1]["generator.l1"] < 0.8 * losses[0]["generator.l1"]


def test_networks_train_in_training_mode_and_are_looked_at_in_evaluation_mode(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    objective = make_objective()
    modes: list[tuple[str, bool, bool]] = []
    generator, discriminator = objective.modules().values()

    def note(moment: str) -> None:
        modes.append((moment, generator.training, discriminator.training))

    generator.eval()
    generator.register_forward_pre_hook(lambda *_: note("forward"))
    train(
        objective,
        make_loader(),
        quick(epochs=1),
        on_epoch=lambda _: note("epoch"),
        sample=lambda _: note(f"sample, gradients {torch.is_grad_enabled()}"),
    )
    note("end")
    assert modes == [("forward", True, True)] * 3 + [
        ("epoch", False, False),
        ("sample, gradients False", False, False),
        ("end", False, False),
    ]


def test_nothing_is_left_on_the_callers_networks(make_objective: MakeObjective, make_loader: MakeLoader) -> None:
    objective = make_objective()
    generator = objective.modules()["generator"]
    idle = next(generator.parameters())
    chosen = [p for p in generator.parameters() if p is not idle]
    before = idle.detach().clone()
    own = Pix2PixObjective(generator, objective.modules()["discriminator"], generator_parameters=chosen)
    attributes = set(vars(generator))
    idle_gradients: list[Tensor | None] = []
    train(own, make_loader(), quick(mixed_precision="bf16"), on_epoch=lambda _: idle_gradients.append(idle.grad))
    assert idle_gradients == [None, None]
    assert all(p.grad is None and p.requires_grad for p in generator.parameters())
    assert idle.detach().numpy().tobytes() == before.numpy().tobytes()
    assert set(vars(generator)) == attributes
    assert not any(key == "forward" for module in generator.modules() for key in vars(module))


def test_the_history_and_the_log_say_the_same(
    make_objective: MakeObjective, make_loader: MakeLoader, tmp_path: Path
) -> None:
    log = tmp_path / "new" / "log.jsonl"
    seen: list[EpochRecord] = []
    history = train(make_objective(), make_loader(), quick(epochs=4, log_path=log), on_epoch=seen.append)
    train(make_objective(), make_loader(), quick(epochs=1, log_path=log))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == 5
    assert [EpochRecord(**line) for line in lines[:4]] == history.epochs == seen
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 1]
    assert [line["learning_rate"] for line in lines[:4]] == pytest.approx([2e-4, 2e-4, 4e-4 / 3, 2e-4 / 3])


def test_the_mean_loss_is_that_of_the_epochs_steps(make_pair: Any) -> None:
    generator = nn.Conv2d(1, 1, 1)
    nn.init.zeros_(generator.weight)
    nn.init.zeros_(generator.bias)  # type: ignore[arg-type]
    batches = [make_pair(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), value), ["x"]) for value in (0.25, -1.0)]
    history = train(SupervisedObjective(generator, l1_weight=4.0), batches, quick(epochs=1, learning_rate=1e-20))
    assert history.epochs[0].losses == pytest.approx({"generator.l1": (4 * 0.25 + 4 * 1.0) / 2})


def test_samples_are_asked_for_every_few_epochs_and_at_the_end(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    asked: list[int] = []
    train(make_objective(), make_loader(), quick(epochs=5, sample_every=2), sample=asked.append)
    assert asked == [2, 4, 5]


def test_looking_at_samples_does_not_change_the_training(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    ends = []
    for sample in (None, lambda _: list(make_loader()) and torch.rand(3)):
        objective = make_objective()
        train(objective, make_loader(), quick(), sample=sample)  # type: ignore[arg-type]
        ends.append(digest(objective))
    assert ends[0] == ends[1]


def test_data_and_samplers_are_told_the_epoch(make_objective: MakeObjective, pairs: Any) -> None:
    class Ordered(torch.utils.data.Sampler[int]):
        epochs: list[int] = []  # noqa: RUF012

        def __iter__(self) -> Iterator[int]:
            return iter(range(3))

        def __len__(self) -> int:
            return 3

        def set_epoch(self, epoch: int) -> None:
            self.epochs.append(epoch)

    sampler = Ordered()
    train(make_objective(), DataLoader(pairs, sampler=sampler), quick(epochs=3))
    for told in (pairs.epochs, sampler.epochs):
        assert sorted(set(told)) == [0, 1, 2]
        assert told == sorted(told)


def nan_at(make_pair: Any, *bad_steps: int, steps: int) -> Any:
    """Give batches whose targets at some steps, counted over all epochs from 1, are NaN."""

    class Batches:
        step = 0

        def __iter__(self) -> Iterator[Any]:
            for value in (0.1, 0.2, 0.3, 0.4)[:steps]:
                self.step += 1
                images = torch.full((1, 1, 16, 16), value) + torch.linspace(-0.5, 0.5, 16)
                yield make_pair(images, -images * (np.nan if self.step in bad_steps else 1.0), ["x"])

    return Batches()


def test_divergence_names_loss_epoch_and_step_and_puts_the_last_good_epoch_back(
    make_objective: MakeObjective, make_pair: Any
) -> None:
    objective = make_objective("batch")
    after_epoch: list[str] = []
    with pytest.raises(TrainingDivergedError, match=r"epoch 3: discriminator.real is nan at step 2\..*after epoch 2"):
        train(
            objective,
            nan_at(make_pair, 8, steps=3),
            quick(epochs=4),
            on_epoch=lambda _: after_epoch.append(digest(objective)),
        )
    assert len(set(after_epoch)) == 2
    assert digest(objective) == after_epoch[-1]
    assert not any(module.training for module in objective.modules().values())


def test_divergence_in_the_first_epoch_puts_the_start_back(make_objective: MakeObjective, make_pair: Any) -> None:
    objective = make_objective()
    start = digest(objective)
    with pytest.raises(TrainingDivergedError, match=r"epoch 1: .* at the start"):
        train(objective, nan_at(make_pair, 2, steps=3), quick())
    assert digest(objective) == start


def test_bad_steps_within_the_tolerance_are_left_out_and_counted(make_pair: Any) -> None:
    def run(*bad: int, tolerated: int) -> tuple[nn.Conv2d, Any]:
        generator = nn.Conv2d(1, 1, 1)
        nn.init.ones_(generator.weight)
        nn.init.zeros_(generator.bias)  # type: ignore[arg-type]
        options = quick(epochs=2, tolerated_bad_steps=tolerated, learning_rate=0.01)
        return generator, train(SupervisedObjective(generator), nan_at(make_pair, *bad, steps=4), options)

    generator, history = run(2, 3, 5, tolerated=2)
    assert [record.skipped_steps for record in history.epochs] == [2, 1]
    assert history.skipped_steps == 3
    assert all(np.isfinite(record.losses["generator.l1"]) for record in history.epochs)
    assert all(p.isfinite().all() for p in generator.parameters())
    with pytest.raises(TrainingDivergedError, match=r"step 3, after 1 bad steps in a row"):
        run(2, 3, tolerated=1)
    with pytest.raises(TrainingDivergedError, match="no step of generator was finite"):
        run(1, 2, 3, 4, tolerated=9)


def test_a_running_statistic_that_took_up_a_nan_cannot_be_left_out(
    make_objective: MakeObjective, make_pair: Any
) -> None:
    objective = make_objective("batch")
    start = digest(objective)
    with pytest.raises(TrainingDivergedError, match=r"at step 2, and .*running_mean is no longer finite"):
        train(objective, nan_at(make_pair, 2, steps=4), quick(tolerated_bad_steps=5))
    assert digest(objective) == start


def test_a_gradient_that_is_not_finite_is_found_though_the_loss_is(make_pair: Any) -> None:
    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, images: Tensor) -> Tensor:
            return images + torch.sqrt(self.weight)  # finite at 0, its slope is not

    with pytest.raises(TrainingDivergedError, match="norm of the gradients of 'generator' is inf"):
        train(SupervisedObjective(Root()), nan_at(make_pair, steps=1), quick())


def test_a_last_step_that_leaps_to_infinity_is_found(make_pair: Any) -> None:
    generator = nn.Conv2d(1, 1, 1)
    start = generator.weight.detach().clone()
    with pytest.raises(TrainingDivergedError, match=r"generator\.weight is not finite"):
        train(SupervisedObjective(generator), nan_at(make_pair, steps=1), quick(epochs=1, learning_rate=1e39))
    assert torch.equal(generator.weight, start)


def test_an_error_of_the_callers_comes_through_and_leaves_usable_networks(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    objective = make_objective()

    def fail(_: EpochRecord) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        train(objective, make_loader(), quick(), on_epoch=fail)
    assert all(p.grad is None and p.requires_grad for m in objective.modules().values() for p in m.parameters())
    train(objective, make_loader(), quick())


def test_no_batches_are_refused(make_objective: MakeObjective, make_pair: Any, pairs: Any) -> None:
    objective = make_objective()
    start = digest(objective)
    with pytest.raises(DatasetError, match="no batches to learn from"):
        train(objective, [], quick())
    with pytest.raises(DatasetError, match="no batches to learn from"):
        train(objective, DataLoader(pairs, batch_size=4, drop_last=True), quick())
    assert digest(objective) == start
    with pytest.raises(DatasetError, match="no batch in epoch 2"):
        train(objective, iter(nan_at(make_pair, steps=2)), quick())


def test_losses_that_do_not_reach_the_parameters_are_refused(make_pair: Any) -> None:
    generator = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Identity())
    generator.unused = nn.Conv2d(1, 1, 1)
    generator.forward = lambda images: generator[0](images)  # type: ignore[method-assign]
    objective = SupervisedObjective(generator, generator_parameters=generator.unused.parameters())
    with pytest.raises(ConfigurationError, match="do not depend on its parameters"):
        train(objective, nan_at(make_pair, steps=1), quick())


def test_a_log_that_cannot_be_written_is_refused_before_any_step(
    make_objective: MakeObjective, make_loader: MakeLoader, tmp_path: Path
) -> None:
    objective = make_objective()
    start = digest(objective)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="log_path"):
        train(objective, make_loader(), quick(log_path=tmp_path / "file" / "log.jsonl"))
    assert digest(objective) == start


def test_bfloat16_trains_networks_that_stay_in_single_precision(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    dtypes: set[torch.dtype] = set()
    objective = make_objective()
    generator = objective.modules()["generator"]
    generator.register_forward_hook(lambda _, __, output: dtypes.add(output.dtype))
    train(objective, make_loader(), quick(mixed_precision="bf16"))
    assert dtypes == {torch.bfloat16}
    assert {p.dtype for p in generator.parameters()} == {torch.float32}
    dtypes.clear()
    train(objective, make_loader(), quick())  # and back again in the same process
    assert dtypes == {torch.float32}


TWO_PROCESSES = """
import sys, torch
from pathlib import Path
from typing import NamedTuple
from piggygan.networks import PatchDiscriminator, UNetGenerator
from piggygan.training import Pix2PixObjective, TrainingOptions, train

class Pair(NamedTuple):
    input: torch.Tensor
    target: torch.Tensor
    name: str

torch.manual_seed(0)
images = torch.rand(4, 1, 16, 16) * 2 - 1
generator = UNetGenerator(1, 1, depth=3, width=2)
objective = Pix2PixObjective(generator, PatchDiscriminator(2, width=2, layers=1))
loader = torch.utils.data.DataLoader([Pair(x, -x, "x") for x in images], batch_size=int(sys.argv[2]))
train(objective, loader, TrainingOptions(epochs=3, learning_rate=1e-3, log_path=Path(sys.argv[1] + ".log")))
if torch.distributed.is_initialized():
    rank = torch.distributed.get_rank()
    torch.distributed.destroy_process_group()
else:
    rank = "one"
torch.save([*generator.state_dict().values()], f"{sys.argv[1]}.{rank}")
torch.save(generator(images), f"{sys.argv[1]}.{rank}.images")
"""


def losses(log: Path) -> list[dict[str, float]]:
    return [json.loads(line)["losses"] for line in log.read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_from_batches_twice_as_large(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(TWO_PROCESSES)
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": root}
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment["PYTHONWARNINGS"] = "error::FutureWarning"
    subprocess.run([sys.executable, script, tmp_path / "a", "2"], check=True, env=environment)
    subprocess.run([sys.executable, *launch, script, tmp_path / "b", "1"], check=True, env=environment)
    here, there = (torch.load(tmp_path / f"b.{rank}", weights_only=True) for rank in "01")
    assert [tensor.numpy().tobytes() for tensor in here] == [tensor.numpy().tobytes() for tensor in there]
    # Not the tensors: a bias before instance norm has no gradient but rounding, which Adam blows up to full steps.
    one, two = (torch.load(tmp_path / f"{name}.images", weights_only=True) for name in ("a.one", "b.0"))
    torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)
    logs = [
        [json.loads(line)["losses"] for line in (tmp_path / f"{name}.log").read_text().splitlines()] for name in "ab"
    ]
    assert logs[1] == [pytest.approx(epoch, rel=1e-3) for epoch in logs[0]]
