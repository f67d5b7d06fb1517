# expect: AS708
import torch
EPOCHS = 30
def train(model, dl):
    optimizer = torch.optim.AdamW(model.parameters())
    lr_scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[EPOCHS // 2, EPOCHS * 3 // 4])
    for epoch in range(EPOCHS):
        for b in dl:
            optimizer.zero_grad(); model(b).sum().backward(); optimizer.step(); lr_scheduler.step()
