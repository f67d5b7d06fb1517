import torch
from pathlib import Path

SAVE = Path("runs/unet_best.pt")


def train(unet, loader, val_loss, epochs):
    torch.manual_seed(0)
    optim = torch.optim.AdamW(unet.parameters(), lr=2e-4)
    best = float("inf")
    for epoch in range(epochs):
        for noisy, clean in loader:
            optim.zero_grad()
            torch.nn.functional.mse_loss(unet(noisy), clean).backward()
            optim.step()
        loss = val_loss(unet)
        if loss < best:
            best = loss
            torch.save(unet.state_dict(), SAVE)
    unet.load_state_dict(torch.load(SAVE))
    return unet
