import torch
from torch.amp import GradScaler, autocast
def train_one_epoch(model, dataloader, optimizer, scaler, accumulation_steps=4):
    model.train(); optimizer.zero_grad()
    for step, (x, y) in enumerate(dataloader):
        with autocast("cuda"):
            loss = torch.nn.functional.cross_entropy(model(x), y) / accumulation_steps
        scaler.scale(loss).backward()
        if (step + 1) % accumulation_steps == 0:
            scaler.step(optimizer); scaler.update(); optimizer.zero_grad()
