# expect: AS714
import torch
from torch.cuda.amp import GradScaler, autocast


def fit(model, loader, optimizer, criterion, epochs):
    torch.manual_seed(0)
    for epoch in range(epochs):
        scaler = GradScaler()
        for x, y in loader:
            optimizer.zero_grad(set_to_none=True)
            with autocast():
                loss = criterion(model(x.cuda()), y.cuda())
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
