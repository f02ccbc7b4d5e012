"""The padding against torch's own, in values and gradients."""

import copy

import pytest
import torch
from torch import nn

from piggygan.networks import ReflectionPad, ResNetGenerator


@pytest.mark.parametrize(("padding", "height", "width"), [(1, 2, 5), (3, 4, 4), (3, 9, 6), (2, 3, 7)])
def test_values_and_gradients_are_those_of_reflection_pad_2d(padding: int, height: int, width: int) -> None:
    random = torch.Generator().manual_seed(0)
    ours, theirs = (
        torch.rand(2, 3, height, width, dtype=torch.float64, generator=random.manual_seed(0)).requires_grad_()
        for _ in range(2)
    )
    padded, expected = ReflectionPad(padding)(ours), nn.ReflectionPad2d(padding)(theirs)
    assert padded.detach().numpy().tobytes() == expected.detach().numpy().tobytes()
    gradient = torch.rand(padded.shape, dtype=torch.float64, generator=random)
    padded.backward(gradient)
    expected.backward(gradient)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-14, atol=1e-14)


def test_gradients_of_gradients_are_right_too() -> None:
    images = torch.rand(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda given: ReflectionPad(2)(given).square(), images)


def test_a_generator_padded_by_torch_computes_the_same_bytes() -> None:
    ours = ResNetGenerator(blocks=2, width=3)
    theirs = copy.deepcopy(ours)
    for parent in list(theirs.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, ReflectionPad):
                setattr(parent, name, nn.ReflectionPad2d(child.padding))
    assert not any(isinstance(module, ReflectionPad) for module in theirs.modules())
    images = torch.rand(1, 3, 16, 16)
    for mode in (True, False):
        outputs = [generator.train(mode)(images).detach().numpy().tobytes() for generator in (ours, theirs)]
        assert outputs[0] == outputs[1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_step_on_cuda_gives_the_same_bytes_where_only_deterministic_operations_are_allowed() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        generator = ResNetGenerator(blocks=2, width=8).cuda()
        images = torch.rand(2, 3, 64, 64, device="cuda", requires_grad=True)
        gradients = [torch.autograd.grad(generator(images).square().sum(), images)[0].cpu() for _ in range(2)]
    finally:
        torch.use_deterministic_algorithms(False)
    assert gradients[0].numpy().tobytes() == gradients[1].numpy().tobytes()
