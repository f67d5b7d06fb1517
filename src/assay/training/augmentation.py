"""Augmentation: images are changed as those of the same class differ, a batch at once.

Every change is a pure function of the images and of a generator. The loop seeds one for each batch
by (seed, epoch, number of the batch), so that training that is resumed sees the same pictures as
training that was never interrupted, whatever process prepares them. Numbers are drawn on the
generator's device and then sent to the images', so that a GPU sees the pictures of a CPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """What is done to each training image: moved, turned, mirrored, partly hidden, in this order.

    Attributes:
        shift: How far an image moves at most, in shares of its height and of its width; what comes
            into sight is the image mirrored at its edge.
        turn: Degrees that it turns at most, to the left or to the right.
        flip: Whether every second one is mirrored, left to right.
        erase: Side of the square that is hidden, in shares of height and width; 0 hides nothing.
    """

    shift: float = 0.0
    turn: float = 0.0
    flip: bool = False
    erase: float = 0.0

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        """New images of the same shape and type; those that were given stay as they are.

        Args:
            images: uint8 or float, shape (n, c, h, w).
            generator: Where every random number comes from.
        """
        if self.shift:
            images = moved(images, self.shift, generator)
        if self.turn:
            images = turned(images, self.turn, generator)
        if self.flip:
            images = flipped(images, generator)
        if self.erase:
            images = erased(images, self.erase, generator)
        return images


def moved(images: Tensor, share: float, generator: Generator) -> Tensor:
    """Each image moved by whole pixels, drawn evenly up to a share of its height and width."""
    n, c, height, width = images.shape
    rows = _moved_places(height, share, n, generator).to(images.device)
    columns = _moved_places(width, share, n, generator).to(images.device)
    first_rows = height * torch.arange(n * c, device=images.device).view(n, c, 1)
    whole = images.reshape(n * c * height, width)
    by_rows = whole.index_select(0, (first_rows + rows[:, None, :]).view(-1))
    places = columns.view(n, 1, 1, width).expand(images.shape)
    return by_rows.view(images.shape).gather(3, places)


def flipped(images: Tensor, generator: Generator) -> Tensor:
    """Each image mirrored, left to right, with a probability of one half."""
    chosen = _draw_up_to(1, len(images), generator).bool().to(images.device)
    return torch.where(chosen.view(-1, 1, 1, 1), images.flip(3), images)


def erased(images: Tensor, share: float, generator: Generator) -> Tensor:
    """A rectangle of each image in the mean colour of the batch ('cutout', arXiv 1708.04552).

    Its centre is drawn evenly over the image, so that at an edge it hides less.
    """
    n, _, height, width = images.shape
    hidden_rows = _hidden(height, share, n, generator).to(images.device)
    hidden_columns = _hidden(width, share, n, generator).to(images.device)
    hidden = hidden_rows[:, None, :, None] & hidden_columns[:, None, None, :]
    colour = images.mean((0, 2, 3), keepdim=True, dtype=torch.float32)
    if not images.is_floating_point():
        colour = colour.round()
    return torch.where(hidden, colour.to(images.dtype), images)


def turned(images: Tensor, degrees: float, generator: Generator) -> Tensor:
    """Each image turned about its middle, by an angle drawn evenly; pixels are interpolated."""
    n, _, height, width = images.shape
    drawn = torch.rand(n, generator=generator, device=generator.device)
    angles = ((2 * drawn - 1) * math.radians(degrees)).to(images.device)
    cosine, sine, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    # Coordinates run from -1 to 1 along both sides, however long they are.
    across, along = sine * height / width, -sine * width / height
    matrices = torch.stack([cosine, across, zero, along, cosine, zero], dim=1).view(n, 2, 3)
    pixels = images if images.is_floating_point() else images.float()
    grid = functional.affine_grid(matrices.to(pixels.dtype), list(images.shape), False)
    new = functional.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    return new if images.is_floating_point() else new.round_().clamp_(0, 255).to(images.dtype)


def _pixels(share: float, side: int) -> int:
    """So many pixels as a share of a side is, at least one, and less than the side."""
    return min(max(1, round(share * side)), side - 1)


def _moved_places(side: int, share: float, n: int, generator: Generator) -> Tensor:
    """Where what comes to stand at each place along a side stood before, shape (n, side)."""
    most = _pixels(share, side)
    by = _draw_up_to(2 * most, n, generator).view(-1, 1) - most
    places = (torch.arange(side, device=generator.device) + by).abs()
    return torch.minimum(places, 2 * (side - 1) - places)  # mirrored at the edge


def _hidden(side: int, share: float, n: int, generator: Generator) -> Tensor:
    """Which places along a side are hidden, bool, shape (n, side)."""
    length = _pixels(share, side)
    start = _draw_up_to(side - 1, n, generator).view(-1, 1) - length // 2
    places = torch.arange(side, device=generator.device)
    return (places >= start) & (places < start + length)


def _draw_up_to(highest: int, n: int, generator: Generator) -> Tensor:
    """Whole numbers from 0 to the highest, shape (n,)."""
    return torch.randint(highest + 1, (n,), generator=generator, device=generator.device)
