"""The generators that every promise is kept for."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from piggygan.networks import ResNetGenerator, UNetGenerator


class OwnGenerator(nn.Module):
    """As users write them: a skip connection in forward, a loop, a mixed lot of convolutions and norms."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 4, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.body = nn.ModuleList(
            [
                nn.Conv2d(8, 8, 3, padding=2, dilation=2, padding_mode="reflect"),
                nn.Conv2d(8, 8, 3, padding=1, groups=2),
                nn.Conv2d(8, 8, 3, padding=1, groups=8),
            ]
        )
        self.group_norm = nn.GroupNorm(2, 8)
        self.up = nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1)
        self.out = nn.Conv2d(9, 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        features = torch.relu(self.norm(self.down(images)))
        for conv in self.body:
            features = features + torch.relu(conv(features))
        features = torch.relu(self.up(self.group_norm(features)))
        return torch.tanh(self.out(torch.cat([features, images], dim=1)))


class Resizing(nn.Module):
    """A U-Net that enlarges by interpolation and convolution instead of a transposed convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 8, 4, 2, 1), nn.Conv2d(8, 16, 4, 2, 1)
        self.norm = nn.InstanceNorm2d(16, affine=True)
        self.up1, self.up2 = nn.Conv2d(16, 8, 3, padding=1), nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        one = torch.relu(self.down1(images))
        two = torch.relu(self.norm(self.down2(one)))
        up = torch.relu(self.up1(nn.functional.interpolate(two, scale_factor=2)))
        return torch.tanh(self.up2(nn.functional.interpolate(torch.cat([up, one], 1), scale_factor=2)))


class Sharing(nn.Module):
    """One block used three times, and a forward that looks at its input."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.block = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.PReLU())
        self.again = self.block
        self.tail = nn.Conv2d(8, 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        features = self.head(images)
        for block in (self.block, self.again, self.block):
            features = features + block(features)
        if images.shape[-1] > 16:
            features = features - features.mean((2, 3), keepdim=True)
        return torch.tanh(self.tail(features))


GENERATORS: dict[str, Callable[[], nn.Module]] = {
    "U-Net, batch norm": lambda: UNetGenerator(depth=5, width=4, norm="batch", dropout=True),
    "U-Net, instance norm": lambda: UNetGenerator(depth=5, width=4, norm="instance"),
    "ResNet": lambda: ResNetGenerator(blocks=2, width=4),
    "the user's own, grouped and dilated": OwnGenerator,
    "resizing in place of transposing": Resizing,
    "shared blocks and conditions": Sharing,
}


@pytest.fixture(params=GENERATORS)
def make_generator(request: pytest.FixtureRequest) -> Callable[[], nn.Module]:
    """Make one kind of generator, the same one at every call."""

    def make() -> nn.Module:
        torch.manual_seed(0)
        generator = GENERATORS[request.param]()
        for module in generator.modules():  # not the neutral statistics and scales of a fresh norm
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_mean, -0.2, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
        return generator

    return make


@pytest.fixture
def images() -> Tensor:
    """Four images of 32 pixels, which every generator here takes."""
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
