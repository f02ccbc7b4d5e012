"""Each baseline stores what it says and forgets what it must, by construction; its file's idea holds in numbers."""

import copy
import itertools
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from benchmarks.evidence.baselines import distillation
from benchmarks.evidence.baselines.binary_masks import MASK_RATE, START, BinaryMasks
from benchmarks.evidence.baselines.contender import Contender
from benchmarks.evidence.baselines.fine_tuning import FineTuning
from benchmarks.evidence.baselines.layers import convolutions, filters_of
from benchmarks.evidence.baselines.low_rank import LowRank, rank_of
from benchmarks.evidence.methods import METHODS, WHOLE_BANK, Ours, ours, second_task, thin
from benchmarks.evidence.stored_sizes import size_of
from piggygan.data import PairBatch
from piggygan.training import SupervisedObjective, TrainingOptions, Turn

FORGETS = ("fine-tuning", "replay", "distillation")


def generator(width: int = 4) -> pg.UNetGenerator:
    torch.manual_seed(0)
    return pg.UNetGenerator(depth=4, width=width, norm="batch")


def pairs() -> PairBatch:
    drawn = torch.Generator().manual_seed(5)
    return PairBatch(*(torch.rand(6, 3, 16, 16, generator=drawn) * 2 - 1 for _ in range(2)), [])


def learn(contender: Contender, task: str, steps: int = 3) -> None:
    """A few large steps towards a picture of the task's own, in train mode, with all that the loop would do."""
    network = contender.network(task).train()
    optimizer = torch.optim.Adam(contender.moving(task), lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (network(pairs().input) - pairs().target).square().mean()
        loss.backward()
        optimizer.step()
    contender.finish(task)
    contender.remember(task, pairs)


def through_tasks(name: str) -> Iterator[tuple[Contender, str]]:
    contender = METHODS[name](generator(), "one")
    learn(contender, "one")
    yield contender, "one"
    for task in ("two", "three"):
        contender.meet(task, pairs)
        contender.begin(task)
        learn(contender, task)
        yield contender, task


def output(contender: Contender, task: str) -> Tensor:
    with torch.inference_mode():
        return contender.network(task).eval()(pairs().input)


def same_bytes(one: Tensor, other: Tensor) -> bool:
    return one.numpy().tobytes() == other.numpy().tobytes()


@pytest.mark.parametrize("name", METHODS)
def test_earlier_tasks_keep_their_bytes_unless_the_method_shares_what_it_learns(name: str) -> None:
    just_learned = {}
    for contender, task in through_tasks(name):
        just_learned[task] = output(contender, task)
    kept = [same_bytes(just_learned[task], output(contender, task)) for task in ("one", "two")]
    assert kept == ([False, False] if name in FORGETS else [True, True])


def test_ours_with_all_filters_of_its_own_is_fine_tuning_to_the_bit() -> None:
    """So what ours has less than fine-tuning anywhere comes from what it may not move, and from nothing else."""
    outputs = []
    for start in (FineTuning, ours(unconstrained_fraction=1.0)):
        contender = start(generator(), "one")
        contender.finish("one")
        contender.begin("two")
        learn(contender, "two")
        outputs.append(output(contender, "two"))
    assert same_bytes(*outputs)
    assert not same_bytes(outputs[0], output(contender, "one"))


@pytest.mark.parametrize("name", METHODS)
def test_what_is_stored_makes_the_same_outputs_in_a_new_contender(name: str) -> None:
    stored = {}
    for contender, task in through_tasks(name):
        stored[task] = {key: tensor.detach().clone() for key, tensor in contender.stored(task).items()}
    stored["one"] = {key: t.clone() for key, t in first_network().items()}
    torch.manual_seed(9)
    fresh = METHODS[name](pg.UNetGenerator(depth=4, width=4, norm="batch"), "one")
    with torch.no_grad():
        for number, task in enumerate(stored):
            if number:
                fresh.meet(task, pairs)
                fresh.begin(task)
            fresh.restore(task, stored[task])
            fresh.finish(task)
    assert same_bytes(output(contender, "three"), output(fresh, "three"))


@pytest.mark.parametrize("most_alike", ["one", "two"])
def test_a_related_start_is_the_task_that_gives_the_answers(most_alike: str) -> None:
    (_, _), (contender, _) = itertools.islice(through_tasks("ours-related"), 2)
    answers = output(contender, most_alike).clone()
    contender.meet("three", lambda: PairBatch(pairs().input, answers, []))
    contender.begin("three")
    torch.testing.assert_close(output(contender, "three"), answers, rtol=1e-3, atol=1e-3)


def first_network() -> dict[str, Tensor]:
    """What every method's first task is kept as: the cell of a separate network."""
    contender = METHODS["separate"](generator(), "one")
    learn(contender, "one")
    return contender.stored("one")


def test_parameters_a_task_are_the_closed_forms() -> None:
    network = generator()
    whole = sum(parameter.numel() for parameter in network.parameters())
    layers = list(convolutions(network).values())
    norms = sum(p.numel() for m in network.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters())
    output_layer = layers[-1].weight.numel() + layers[-1].bias.numel()
    own = norms + output_layer
    weights = sum(layer.weight.numel() for layer in layers[:-1])
    allowed = {layer.path: layer.filters + layer.factors for layer in second_task(network, {"*": 0.25}).layers}
    adapters = sum(
        rank_of(layer, allowed[path]) * sum(filters_of(layer))
        for path, layer in list(convolutions(network).items())[:-1]
    )
    expected = {
        "separate": whole,
        "frozen-base": own,
        "binary-masks": own + weights // 32,
        "binary-masks-published": output_layer + weights // 32,
        "binary-masks-published-norms": own + weights // 32,
        "low-rank": own + adapters,
        "low-rank-x16": own + adapters,
        "ours": second_task(network).parameters,
    }
    found = {}
    for name in expected:
        contender = METHODS[name](generator(), "one")
        if isinstance(contender, Ours):
            contender.bound(WHOLE_BANK)
        contender.finish("one")
        contender.begin("two")
        found[name] = size_of(contender.stored("two")).parameters
    assert found == expected


@pytest.mark.parametrize("name", ["low-rank", "dora", "loha", "hypernetwork"])
def test_adapters_are_as_large_as_ours_and_no_larger(name: str) -> None:
    network = generator(width=8)
    contender = METHODS[name](copy.deepcopy(network), "one")
    contender.begin("two")
    assert 0.85 < size_of(contender.stored("two")).parameters / second_task(network).parameters <= 1.0


def test_a_thin_network_is_the_nearest_that_a_whole_width_allows() -> None:
    network = generator(width=8)
    contender = thin(network, "one")
    contender.begin("two")
    count = {
        width: sum(p.numel() for p in pg.UNetGenerator(depth=4, width=width, norm="batch").parameters())
        for width in range(1, 9)
    }
    wanted = second_task(network).parameters
    nearest = min(count, key=lambda width: abs(count[width] - wanted))
    assert size_of(contender.stored("two")).parameters == count[nearest]


def test_fine_tuning_stores_one_network_however_many_tasks() -> None:
    contender = FineTuning(generator(), "one")
    contender.begin("two")
    assert contender.stores_all
    assert size_of(contender.stored("two")) == size_of(contender.stored("one"))


def test_replay_keeps_examples_as_8_bits_and_practises_them() -> None:
    contender = METHODS["replay"](generator(), "one")
    contender.remember("one", pairs)
    contender.begin("two")
    stored = contender.stored("two")
    assert stored["examples.one.input"].dtype == torch.uint8
    bytes_of_examples = sum(t.nbytes for name, t in stored.items() if name.startswith("examples."))
    assert bytes_of_examples == 2 * 6 * 3 * 16 * 16
    assert size_of(stored).parameters < size_of(stored).bytes / 4 - bytes_of_examples / 4 + 1


def test_distillation_holds_former_answers_and_teaches_by_new_inputs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    drift = {}
    for weight in (0.0, 100.0):
        monkeypatch.setattr(distillation, "WEIGHT", weight)
        contender = METHODS["distillation"](generator(), "one")
        learn(contender, "one")
        before = output(contender, "one")
        contender.begin("two")
        batch = PairBatch(pairs().input, -pairs().target, [])
        network = contender.network("two").train()
        optimizer = torch.optim.Adam(contender.moving("two"), lr=1e-2)
        for _ in range(10):
            loss = 100 * nn.functional.l1_loss(network(batch.input), batch.target)
            played = iter([Turn("discriminator", {}), Turn("generator", {"l1": loss})])
            turns = list(contender.turns("two", batch, played))
            assert [list(turn.losses) for turn in turns] == [[], ["l1", "kept"]]
            optimizer.zero_grad()
            torch.stack(list(turns[1].losses.values())).sum().backward()
            optimizer.step()
        drift[weight] = nn.functional.l1_loss(output(contender, "one"), before).item()
    assert drift[100.0] < drift[0.0] / 2


def test_published_masks_leave_norms_and_biases_and_have_a_rate_of_their_own() -> None:
    contender = METHODS["binary-masks-published"](generator(), "one")
    contender.begin("two")
    network = contender.network("two")
    moving = {name for name, p in network.named_parameters() if p.requires_grad}
    masks = {name for name in moving if name.endswith(".real")}
    output_layer = list(convolutions(network))[-1]
    assert len(masks) == len(convolutions(network)) - 1
    assert moving - masks == {f"{output_layer}.weight", f"{output_layer}.bias"}
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    statistics = [norm.running_mean.clone() for norm in norms]
    objective = SupervisedObjective(network, l1_weight=1.0)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    history = contender.learn(
        "two", objective, [pairs()], TrainingOptions(epochs=1, learning_rate=8e-4, decay_from=1.0, progress=False), None
    )
    assert len(history.epochs) == 1
    assert all(torch.equal(norm.running_mean, was) for norm, was in zip(norms, statistics, strict=True))
    mask = network.get_submodule("model.model.0").parametrizations.weight[0]
    moved = (mask.step * mask.real - START).abs().max().item()
    assert moved == pytest.approx(MASK_RATE, rel=1e-2)
    now = network.get_parameter(f"{output_layer}.weight")
    assert (now - before[f"{output_layer}.weight"]).abs().max().item() == pytest.approx(8e-4, rel=1e-3)


def test_a_mask_keeps_or_drops_a_weight_and_gradients_pass_as_if_it_were_not_there() -> None:
    contender = BinaryMasks(generator(), "one")
    contender.begin("two")
    network = contender.network("two")
    mask = network.get_submodule("model.model.0").parametrizations.weight[0]
    before = generator().get_submodule("model.model.0").weight
    mask.real.data.flatten()[0] = 0.0
    weight = network.get_submodule("model.model.0").weight
    assert weight.flatten()[0] == 0.0
    assert torch.equal(weight.flatten()[1:], before.flatten()[1:])
    weight.sum().backward()
    assert torch.equal(mask.real.grad, before)
    assert START > 0


def test_low_rank_moves_adapters_norms_and_output_only() -> None:
    network = generator()
    contender = LowRank(
        network, "one", {layer.path: layer.filters + layer.factors for layer in second_task(network).layers}
    )
    contender.begin("two")
    moving = {name for name, p in contender.network("two").named_parameters() if p.requires_grad}
    names = {name.rsplit(".", 2)[-2] for name in moving}
    assert {"up", "down"} <= names
    assert not any(".convolution.weight" in name for name in moving)
    assert len(list(itertools.chain(moving))) == len(contender.moving("two"))
