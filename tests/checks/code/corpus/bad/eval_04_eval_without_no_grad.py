# expect: AS706
import torch
import torch.nn.functional as F


def train(model, device, loader, optimizer, epoch):
    model.train()
    for i, (data, target) in enumerate(loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        F.nll_loss(model(data), target).backward()
        optimizer.step()


def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    for data, target in test_loader:
        data, target = data.to(device), target.to(device)
        output = model(data)
        test_loss += F.nll_loss(output, target, reduction="sum")
        correct += output.argmax(dim=1).eq(target).sum()
    print(test_loss / len(test_loader.dataset), correct / len(test_loader.dataset))


def main(model, train_loader, test_loader, device):
    torch.manual_seed(1)
    optimizer = torch.optim.Adadelta(model.parameters())
    for epoch in range(14):
        train(model, device, train_loader, optimizer, epoch)
    test(model, device, test_loader)
