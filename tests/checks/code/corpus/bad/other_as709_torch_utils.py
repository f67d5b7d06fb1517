# expect: AS709
import torch
import torch.utils.data as data
def train(rank, ds, model, opt, n_epochs):
    smp = torch.utils.data.distributed.DistributedSampler(ds)
    dl = data.DataLoader(ds, batch_size=8, sampler=smp)
    for epoch in range(n_epochs):
        for b in dl:
            opt.zero_grad(); model(b).sum().backward(); opt.step()
