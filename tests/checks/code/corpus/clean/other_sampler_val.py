import torch
from torch.utils.data import DataLoader, DistributedSampler
def main(train_set, val_set, model, opt):
    train_sampler = DistributedSampler(train_set); val_sampler = DistributedSampler(val_set, shuffle=False)
    train_loader = DataLoader(train_set, sampler=train_sampler); val_loader = DataLoader(val_set, sampler=val_sampler)
    for epoch in range(3):
        train_sampler.set_epoch(epoch)
        for x, y in train_loader:
            opt.zero_grad(); model(x).sum().backward(); opt.step()
