"""One convolution, many tasks."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from piggygan.errors import (
    ConfigurationError,
    InputError,
    TaskExistsError,
    TaskNameError,
    TaskNotFoundError,
    TaskStateError,
    UnsupportedModuleError,
)
from piggygan.layers.convolutions import PiggybackConv2d, PiggybackConvTranspose2d
from piggygan.layers.filters import task_parameters_count, unconstrained_count

Layer = PiggybackConv2d | PiggybackConvTranspose2d


def wrap(conv: nn.Module) -> Layer:
    layer: Layer
    layer = (PiggybackConvTranspose2d if isinstance(conv, nn.ConvTranspose2d) else PiggybackConv2d)(conv, "facades")
    layer.freeze_task("facades")
    return layer


def bytes_of(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().numpy().tobytes()


CONVOLUTIONS: dict[str, Any] = {
    "plain": lambda: nn.Conv2d(4, 8, 3),
    "strided": lambda: nn.Conv2d(4, 8, 4, stride=2, padding=1, bias=False),
    "dilated, reflected": lambda: nn.Conv2d(4, 8, 3, padding=2, dilation=2, padding_mode="reflect"),
    "circular": lambda: nn.Conv2d(4, 8, (3, 5), padding=(1, 2), padding_mode="circular"),
    "padding by name": lambda: nn.Conv2d(4, 8, 3, padding="same"),
    "grouped": lambda: nn.Conv2d(4, 8, 3, groups=2),
    "transposed": lambda: nn.ConvTranspose2d(4, 8, 4, stride=2, padding=1),
    "transposed, output padding": lambda: nn.ConvTranspose2d(
        4, 8, 3, stride=2, padding=1, output_padding=1, dilation=2, bias=False
    ),
    "transposed, grouped": lambda: nn.ConvTranspose2d(4, 8, 3, stride=2, groups=2),
}
each_convolution = pytest.mark.parametrize("kind", CONVOLUTIONS)


@each_convolution
def test_the_base_task_gives_the_bits_of_the_bare_convolution(kind: str) -> None:
    conv = CONVOLUTIONS[kind]()
    x = torch.randn(2, 4, 9, 11)
    bare = conv(x)
    assert bytes_of(wrap(conv)(x)) == bytes_of(bare)


@each_convolution
def test_a_warm_start_is_the_old_function(kind: str) -> None:
    layer = wrap(CONVOLUTIONS[kind]())
    x = torch.randn(2, 4, 9, 11)
    before = layer(x)
    layer.add_task("lungs")
    with layer.selection.using("lungs"):
        torch.testing.assert_close(layer.eval()(x), before, rtol=0, atol=0)


@each_convolution
def test_a_third_task_starts_warm_from_the_second(kind: str) -> None:
    layer = wrap(CONVOLUTIONS[kind]()).double()
    layer.add_task("lungs", unconstrained_fraction=0.5, init="normal")
    layer.freeze_task("lungs")
    layer.add_task("hearts", unconstrained_fraction=0.25, max_bank=None)
    x = torch.randn(2, 4, 9, 11, dtype=torch.float64)
    layer.eval()
    with layer.selection.using("lungs"):
        lungs = layer(x)
    with layer.selection.using("hearts"):
        torch.testing.assert_close(layer(x), lungs, rtol=1e-12, atol=1e-12)


@each_convolution
def test_a_folded_task_is_an_ordinary_convolution_with_the_same_bits(kind: str) -> None:
    conv = CONVOLUTIONS[kind]()
    keys = list(conv.state_dict())
    layer = wrap(conv)
    layer.add_task("lungs", init="normal")
    x = torch.randn(2, 4, 9, 11)
    for task in layer.tasks:
        folded = layer.eval().fold_task(task)
        assert type(folded) is type(conv)
        assert list(folded.state_dict()) == keys
        assert all(isinstance(parameter, nn.Parameter) for parameter in folded.parameters())
        with layer.selection.using(task):
            assert bytes_of(folded(x)) == bytes_of(layer(x))


@each_convolution
@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_a_task_costs_the_closed_form(kind: str, fraction: float) -> None:
    layer = wrap(CONVOLUTIONS[kind]())
    layer.add_task("lungs", unconstrained_fraction=fraction)
    layer.freeze_task("lungs")
    layer.add_task("hearts", unconstrained_fraction=fraction, max_bank=None)
    groups, c_out = layer.conv.groups, layer.conv.out_channels
    own = unconstrained_count(c_out, fraction, groups)
    bank = c_out + own
    filter_size = 4 // groups * layer.conv.kernel_size[0] * layer.conv.kernel_size[1]
    expected = task_parameters_count(filter_size=filter_size, c_out=c_out, bank=bank, unconstrained=own, groups=groups)
    stored = layer.tensors("hearts")
    bias = stored.pop("bias", torch.empty(0))
    assert sum(tensor.numel() for tensor in stored.values()) == expected
    assert bias.numel() == (0 if layer.conv.bias is None else c_out)


def test_all_unconstrained_is_a_plain_layer_and_none_a_pure_factorization() -> None:
    layer = wrap(nn.Conv2d(4, 8, 3))
    layer.add_task("plain", unconstrained_fraction=1.0)
    layer.add_task("mixed", unconstrained_fraction=0.0)
    assert set(layer.tensors("plain")) == {"unconstrained", "bias"}
    assert layer.tensors("plain")["unconstrained"].shape == layer.conv.weight.shape
    assert set(layer.tensors("mixed")) == {"factors", "bias"}
    assert layer.tensors("mixed")["factors"].shape == (8, 8)


def test_depthwise_filters_are_never_mixed() -> None:
    layer = wrap(nn.Conv2d(6, 6, 3, groups=6))
    layer.add_task("lungs")
    assert "factors" not in layer.tensors("lungs")


def test_another_number_of_channels_makes_a_layer_wholly_unconstrained() -> None:
    layer = wrap(nn.Conv2d(4, 8, 3))
    layer.add_task("lungs", in_channels=1, out_channels=2)
    assert layer.tensors("lungs")["unconstrained"].shape == (2, 1, 3, 3)
    with layer.selection.using("lungs"):
        assert layer(torch.zeros(1, 1, 8, 8)).shape == (1, 2, 6, 6)
    layer.freeze_task("lungs")
    layer.add_task("hearts")  # its bank skips filters of another size
    assert layer.tensors("hearts")["factors"].shape == (6, 8)


def test_an_optimizer_step_moves_a_factor_farther_by_the_factor_step() -> None:
    moved = {}
    for step in (1.0, 16.0):
        layer = wrap(nn.Conv2d(4, 8, 3))
        layer.add_task("lungs", factor_step=step)
        before = layer.tensors("lungs")["factors"].clone()
        optimizer = torch.optim.Adam(layer.stored("lungs").parameters(), lr=1e-3)
        with layer.selection.using("lungs"):
            layer(torch.ones(1, 4, 8, 8)).sum().backward()
        optimizer.step()
        moved[step] = (layer.tensors("lungs")["factors"] - before).abs().max().item()
    assert moved[1.0] == pytest.approx(1e-3, rel=1e-3)
    assert moved[16.0] == pytest.approx(16e-3, rel=1e-3)


def test_freezing_does_not_change_the_output() -> None:
    layer = wrap(nn.Conv2d(4, 8, 3)).eval()
    layer.add_task("lungs", init="normal", factor_step=10.0)
    x = torch.randn(1, 4, 8, 8)
    with layer.selection.using("lungs"):
        before = bytes_of(layer(x))
        layer.freeze_task("lungs")
        assert bytes_of(layer(x)) == before
    assert not list(layer.parameters())


def test_a_kernel_cached_in_inference_mode_can_be_trained_through() -> None:
    layer = wrap(nn.Conv2d(4, 4, 3))
    layer.add_task("lungs")
    layer.freeze_task("lungs")
    x = torch.randn(1, 4, 8, 8, requires_grad=True)
    with layer.selection.using("lungs"):
        with torch.inference_mode():
            layer(torch.zeros(1, 4, 8, 8))
        layer(x).sum().backward()
    assert x.grad is not None


def test_moving_to_another_type_recomputes_what_was_cached() -> None:
    layer = wrap(nn.Conv2d(4, 4, 3)).eval()
    layer.add_task("lungs", init="normal")
    layer.freeze_task("lungs")
    with layer.selection.using("lungs"):
        layer(torch.zeros(1, 4, 8, 8))
        assert layer.double()(torch.zeros(1, 4, 8, 8, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize(
    ("name", "error"), [("facades", TaskExistsError), ("Lungs", TaskNameError), ("", TaskNameError)]
)
def test_a_bad_name_is_refused(name: str, error: type[Exception]) -> None:
    layer = wrap(nn.Conv2d(4, 4, 3))
    with pytest.raises(error):
        layer.add_task(name)
    assert layer.tasks == ("facades",)


def test_drawing_on_a_task_in_training_is_refused() -> None:
    layer = PiggybackConv2d(nn.Conv2d(4, 4, 3), "facades")
    with pytest.raises(TaskStateError, match="freeze"):
        layer.add_task("lungs")
    layer.freeze_task("facades")
    layer.add_task("lungs")
    with pytest.raises(TaskStateError, match="freeze lungs"):
        layer.add_task("hearts", draws_on=["facades", "lungs"])
    with pytest.raises(TaskNotFoundError, match="did you mean 'lungs'"):
        layer.add_task("hearts", draws_on=["lung"])


@pytest.mark.parametrize("step", [0.0, -1.0, float("nan"), float("inf")])
def test_a_factor_step_that_is_no_positive_number_is_refused(step: float) -> None:
    layer = wrap(nn.Conv2d(4, 4, 3))
    with pytest.raises(ConfigurationError, match="factor_step"):
        layer.add_task("lungs", factor_step=step)


def test_starting_from_a_task_outside_the_bank_names_what_is_missing() -> None:
    layer = wrap(nn.Conv2d(4, 4, 3))
    layer.add_task("lungs")
    layer.freeze_task("lungs")
    with pytest.raises(TaskStateError, match="draw on facades too"):
        layer.add_task("hearts", draws_on=["lungs"], start_from="lungs")


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (4, 8, 8), (1, 4, 8)])
def test_d07_an_input_of_the_wrong_shape_says_what_is_needed(shape: tuple[int, ...]) -> None:
    layer = wrap(nn.Conv2d(4, 4, 3))
    with pytest.raises(InputError, match="4 channels"):
        layer(torch.zeros(shape))


class OwnForward(nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * 2


def hooked() -> nn.Module:
    conv = nn.Conv2d(4, 4, 3)
    conv.register_forward_hook(lambda *_: None)
    return conv


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: parametrizations.weight_norm(nn.Conv2d(4, 4, 3)), "parametrized"),
        (lambda: parametrizations.spectral_norm(nn.Conv2d(4, 4, 3)), "parametrized"),
        (lambda: nn.utils.spectral_norm(nn.Conv2d(4, 4, 3)), "parametrized"),
        (lambda: nn.LazyConv2d(4, 3), "lazy"),
        (lambda: nn.Conv2d(4, 4, 3, device="meta"), "meta"),
        (lambda: OwnForward(4, 4, 3), "forward of its own"),
        (hooked, "hooks"),
        (lambda: nn.Linear(4, 4), "no convolution"),
    ],
)
def test_d04_a_convolution_that_cannot_be_wrapped_rightly_is_refused(make: Any, message: str) -> None:
    with pytest.raises(UnsupportedModuleError, match=message):
        PiggybackConv2d(make(), "facades")


@each_convolution
def test_factors_move_to_the_columns_that_their_filters_have_in_a_wider_bank(kind: str) -> None:
    layer = wrap(CONVOLUTIONS[kind]()).double().eval()
    for task, draws_on in (("b", ["facades"]), ("c", ["facades"]), ("d", ["facades", "c"])):
        layer.add_task(task, draws_on=draws_on, init="normal", unconstrained_fraction=0.5)
        for parameter in layer.stored(task).parameters():
            nn.init.normal_(parameter)
        layer.freeze_task(task)
    sources = ["facades", "b", "c", "d"]
    layer.add_task("e", draws_on=sources, start_from="d", unconstrained_fraction=0.25, max_bank=None)
    x = torch.randn(2, 4, 9, 11, dtype=torch.float64)
    with layer.selection.using("d"):
        expected = layer(x)
    with layer.selection.using("e"):
        torch.testing.assert_close(layer(x), expected, rtol=1e-10, atol=1e-10)


def test_a_layer_of_another_kind_is_refused() -> None:
    with pytest.raises(UnsupportedModuleError, match="a PiggybackConv2d holds a Conv2d"):
        PiggybackConv2d(nn.ConvTranspose2d(4, 4, 3))


def test_a_bounded_bank_has_the_filters_that_are_most_used() -> None:
    layer = wrap(nn.Conv2d(1, 4, 1, bias=False)).double()
    with torch.no_grad():
        layer.conv.weight.copy_(torch.tensor([1.0, 2.0, 0.1, 3.0]).reshape(4, 1, 1, 1))
    layer.add_task("b", unconstrained_fraction=0.5)
    filters = layer.of_task("b")
    with torch.no_grad():
        filters.unconstrained.copy_(torch.tensor([5.0, 0.2]).reshape(2, 1, 1, 1))
        filters.scaled_factors.zero_()
    layer.freeze_task("b")
    layer.add_task("c", max_bank=1)
    # Squared norms 1, 4, 0.01, 9 of facades and 25, 0.04 of b, each used once: by its own task.
    assert layer.tensors("c")["picked"].tolist() == [0, 1, 3, 4]
    assert layer.bank("c").flatten().tolist() == [1.0, 2.0, 3.0, 5.0]


def test_a_start_that_the_bounded_bank_cannot_make_is_the_nearest_one() -> None:
    torch.manual_seed(0)
    layer = wrap(nn.Conv2d(4, 4, 3)).double()
    layer.add_task("b", unconstrained_fraction=0.5, init="normal")
    layer.freeze_task("b")
    layer.add_task("c", max_bank=1, unconstrained_fraction=0.25)
    tensors = layer.tensors("c")
    bank = torch.cat([layer.own_filters("facades"), layer.own_filters("b")]).flatten(1)[tensors["picked"]]
    wanted = layer.kernel("b").flatten(1)[:3]
    nearest = torch.linalg.lstsq(bank.T, wanted.T).solution.T @ bank
    torch.testing.assert_close(layer.kernel("c").flatten(1)[:3].detach(), nearest, rtol=1e-9, atol=1e-9)


def test_a_bank_of_half_the_layers_filters_has_the_strongest_and_starts_as_near_as_they_allow() -> None:
    torch.manual_seed(0)
    layer = wrap(nn.Conv2d(4, 4, 3)).double()
    with torch.no_grad():
        layer.conv.weight[[1, 2]] *= 0.1
    layer.add_task("b", max_bank=0.5, unconstrained_fraction=0.25)
    tensors = layer.tensors("b")
    assert tensors["picked"].tolist() == [0, 3]
    bank = layer.own_filters("facades").flatten(1)[[0, 3]]
    nearest = torch.linalg.lstsq(bank.T, layer.kernel("facades").flatten(1)[:3].T).solution.T @ bank
    kernel = layer.kernel("b").flatten(1).detach()
    torch.testing.assert_close(kernel[:3], nearest, rtol=1e-9, atol=1e-9)
    assert torch.equal(kernel[3], layer.kernel("facades").flatten(1)[3])


@pytest.mark.parametrize("picked", [[0, 1, 2, 6], [0, 1, 1, 2], [-1, 0, 1, 2]])
def test_picked_filters_that_there_are_not_are_refused(picked: list[int]) -> None:
    layer = wrap(nn.Conv2d(1, 4, 1))
    layer.add_task("b", unconstrained_fraction=0.5)
    layer.freeze_task("b")
    layer.add_task("c", max_bank=1)
    tensors = {**layer.tensors("c"), "picked": torch.tensor(picked)}
    with pytest.raises(InputError, match="not rising numbers from 0 to 5"):
        layer.load_tensors("c", tensors)


@pytest.mark.parametrize("max_bank", [0.0, -0.5, float("nan"), float("inf")])
def test_a_bound_that_leaves_no_bank_is_refused(max_bank: float) -> None:
    layer = wrap(nn.Conv2d(1, 4, 1))
    with pytest.raises(ConfigurationError, match="max_bank is"):
        layer.add_task("b", max_bank=max_bank)
