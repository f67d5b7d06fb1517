import torch
from torch import optim
from torch.optim import lr_scheduler

torch.manual_seed(11)


def main(model, train_loader, criterion, epochs=20):
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, steps_per_epoch=len(train_loader), epochs=epochs)
    for epoch in range(epochs):
        for data, target in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(data), target)
            loss.backward()
            optimizer.step()
            scheduler.step()
