# expect: AS710
import argparse

import torch
from torchvision import models


def save_checkpoint(state, filename="checkpoint.pth.tar"):
    torch.save(state, filename)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", default="", type=str, help="path to latest checkpoint")
    parser.add_argument("--epochs", default=90, type=int)
    args = parser.parse_args()
    torch.manual_seed(0)
    model = models.resnet50()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    start = 0
    if args.resume:
        state = torch.load(args.resume, map_location="cpu")
        start = state["epoch"]
        model.load_state_dict(state["state_dict"])
    for epoch in range(start, args.epochs):
        train(model, optimizer, epoch)
        save_checkpoint({"epoch": epoch + 1, "arch": "resnet50", "state_dict": model.state_dict()})


def train(model, optimizer, epoch):
    for images, target in make_loader(epoch):
        loss = torch.nn.functional.cross_entropy(model(images), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def make_loader(epoch):
    return [(torch.randn(2, 3, 64, 64), torch.tensor([0, 1]))]
