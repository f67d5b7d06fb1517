import torch

torch.manual_seed(0)


def train(net, train_dl, num_epochs, lr):
    opt = torch.optim.AdamW(net.parameters(), lr=lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=num_epochs * len(train_dl))
    for ep in range(num_epochs):
        net.train()
        for xb, yb in train_dl:
            loss = torch.nn.functional.cross_entropy(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
