"""Train your own network in 30 lines: any module, any loss, nothing lost.

    python examples/own_network.py [FOLDER FOR CHECKPOINTS]

Stop it with Ctrl-C and run it again with the same folder: it goes on, with the same bits.
"""

import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn

from assay.training.batches import Tensors
from assay.training.fit import fit
from assay.training.settings import LoopSettings

pixels, digits = load_digits(return_X_y=True)
images = torch.tensor(pixels / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
labels = torch.tensor(digits)
torch.manual_seed(0)
network = nn.Sequential(
    nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Dropout(0.2), nn.Linear(512, 10),
)  # fmt: skip
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
trained = fit(
    network,
    Tensors(images[:1400], labels[:1400]),
    nn.CrossEntropyLoss(),
    validation=Tensors(images[1400:], labels[1400:]),
    metrics={"accuracy": lambda said, true, _: float((said.argmax(1) == true).float().mean())},
    settings=LoopSettings(epochs=10, batch_size=32, learning_rate=3e-3),
    folder=folder,
    resume=folder is not None and folder.exists(),
    announce=lambda step: print(f"\r{step.text:<78}", end="", flush=True),
)
print(f"\n{trained.stopped}: {trained.best}")
