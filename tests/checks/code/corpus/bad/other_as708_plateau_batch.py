# expect: AS708
import torch
def train(model, dl, epochs):
    optimizer = torch.optim.AdamW(model.parameters())
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
    for epoch in range(epochs):
        for b in dl:
            optimizer.zero_grad(); loss = model(b).sum(); loss.backward(); optimizer.step()
            scheduler.step(loss)
