# expect: AS716
import torch
torch.manual_seed(0); best_acc = 0.
for epoch in range(50):
    net.train()
    for x, y in trainloader:
        optimizer.zero_grad(); crit(net(x), y).backward(); optimizer.step()
    net.eval(); correct = 0
    with torch.no_grad():
        for x, y in testloader: correct += (net(x).argmax(1) == y).sum().item()
    acc = 100. * correct / len(testset)
    if acc > best_acc:
        torch.save(net.state_dict(), 'ckpt.pth'); best_acc = acc
