import torch
from torch import nn
from torchvision.models import resnet18


def train_epoch(net, loader, opt, loss_fn):
    net.train()
    for x, y in loader:
        opt.zero_grad()
        loss = loss_fn(net(x.cuda()), y.cuda())
        loss.backward()
        opt.step()


@torch.inference_mode()
def validate(net, loader, loss_fn):
    net.eval()
    total, hits, n = 0.0, 0, 0
    for x, y in loader:
        out = net(x.cuda())
        total += loss_fn(out, y.cuda()).item()
        hits += (out.argmax(1).cpu() == y).sum().item()
        n += len(y)
    return total / len(loader), hits / n


def fit(train_loader, val_loader, epochs=10, seed=0):
    torch.manual_seed(seed)
    net = resnet18(num_classes=10).cuda()
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(epochs):
        train_epoch(net, train_loader, opt, nn.functional.cross_entropy)
        print(epoch, validate(net, val_loader, nn.functional.cross_entropy))
    return net
