# expect: AS710
import torch
from pathlib import Path

SAVE = Path("runs/unet_state.pt")


def continue_training(unet, loader, epochs, first_epoch):
    torch.manual_seed(first_epoch)
    optim = torch.optim.AdamW(unet.parameters(), lr=2e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optim, T_max=epochs)
    if SAVE.exists():
        saved = torch.load(SAVE)
        unet.load_state_dict(saved["unet"])
        optim.load_state_dict(saved["optim"])
        first_epoch = saved["epoch"]
    for epoch in range(first_epoch, epochs):
        for noisy, clean in loader:
            optim.zero_grad()
            torch.nn.functional.mse_loss(unet(noisy), clean).backward()
            optim.step()
        scheduler.step()
        torch.save({"unet": unet.state_dict(), "optim": optim.state_dict(), "epoch": epoch + 1}, SAVE)
