"""Augmentation: a pure function of images and generator, and the right pixels."""

from __future__ import annotations

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from assay.training.augmentation import Augmentation, erased, flipped, moved, turned

EVERYTHING = Augmentation(shift=0.2, turn=10.0, flip=True, erase=0.3)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 64, c: int = 3, h: int = 12, w: int = 10) -> Tensor:
    return torch.randint(256, (n, c, h, w), generator=generator(99), dtype=torch.uint8)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 9),
    c=st.integers(1, 4),
    h=st.integers(2, 20),
    w=st.integers(2, 20),
    floats=st.booleans(),
    seed=st.integers(0, 5),
)
def test_the_same_generator_gives_the_same_pictures_of_the_same_shape_and_type(
    n: int, c: int, h: int, w: int, floats: bool, seed: int
) -> None:
    given = images(n, c, h, w)
    given = given.float() if floats else given
    before = given.clone()
    once, again = (EVERYTHING(given, generator(seed)) for _ in range(2))
    assert torch.equal(once, again)
    assert (once.shape, once.dtype) == (given.shape, given.dtype)
    assert torch.equal(given, before)


def test_another_generator_gives_other_pictures() -> None:
    given = images()
    assert not torch.equal(EVERYTHING(given, generator(0)), EVERYTHING(given, generator(1)))


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    EVERYTHING(images(), generator())
    assert torch.equal(torch.get_rng_state(), before)


def test_it_does_nothing_unless_told_to() -> None:
    given = images()
    assert Augmentation()(given, generator()) is given


def test_it_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(EVERYTHING)) == EVERYTHING


def test_an_image_moves_by_whole_pixels_with_all_its_channels() -> None:
    given = images()
    new, most = moved(given, 0.2, generator()), 2
    padded = torch.nn.functional.pad(given.float(), (most,) * 4, mode="reflect").to(torch.uint8)
    seen = set()
    for image, wide in zip(new, padded, strict=True):
        places = [
            (y, x)
            for y in range(2 * most + 1)
            for x in range(2 * most + 1)
            if torch.equal(image, wide[:, y : y + 12, x : x + 10])
        ]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) > 15


def test_half_of_the_images_are_mirrored() -> None:
    given = images(n=400)
    new = flipped(given, generator())
    same = torch.tensor([torch.equal(a, b) for a, b in zip(new, given, strict=True)])
    assert torch.equal(new[~same], given[~same].flip(3))
    assert 150 < same.sum() < 250


def test_a_square_is_hidden_in_the_mean_colour() -> None:
    given = images(n=200, h=12, w=12)
    new = erased(given, 0.5, generator())
    hidden = (new != given).any(1)
    colour = given.float().mean((0, 2, 3)).round().to(torch.uint8)
    assert torch.equal(new.permute(0, 2, 3, 1)[hidden], colour.expand(int(hidden.sum()), 3))
    for each in hidden:
        rows, columns = each.any(1).nonzero().flatten(), each.any(0).nonzero().flatten()
        assert len(rows) in range(2, 7)
        assert len(columns) in range(2, 7)
        assert rows[-1] - rows[0] + 1 == len(rows)
        assert columns[-1] - columns[0] + 1 == len(columns)
    assert hidden.any(0).all()  # no place is safe


def test_a_turn_by_nothing_is_the_image_and_a_turn_and_back_nearly_so() -> None:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 32), torch.linspace(-1, 1, 48), indexing="ij")
    disc = torch.exp(-8 * ((y - 0.2) ** 2 + (1.5 * x - 0.1) ** 2)).expand(1, 1, 32, 48)
    torch.testing.assert_close(turned(disc, 1e-6, generator()), disc, atol=1e-4, rtol=0)
    there = turned(disc, 30.0, generator(3))
    back = turned(there, -30.0, generator(3))  # the same draw, the other way round
    assert (there - disc).abs().max() > 0.05
    torch.testing.assert_close(back, disc, atol=0.03, rtol=0)


def test_whole_images_turn_without_changing_their_shape() -> None:
    """A disc stays a disc although the image is twice as wide as high."""
    y, x = torch.meshgrid(torch.arange(20) - 9.5, torch.arange(40) - 19.5, indexing="ij")
    disc = (255 * (y**2 + x**2 < 49)).to(torch.uint8).expand(8, 1, 20, 40)
    new = turned(disc, 20.0, generator())
    assert ((new.int() - disc.int()).abs() > 200).float().mean() < 0.01


@pytest.mark.parametrize("share", [0.001, 0.99])
def test_any_share_of_a_side_will_do(share: float) -> None:
    given = images(4, 1, 3, 2)
    assert moved(given, share, generator()).shape == given.shape
    assert erased(given, share, generator()).shape == given.shape
