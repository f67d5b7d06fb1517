# expect: AS707
import torch
def train(args, model, device, train_loader, optimizer):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        output = model(data.to(device))
        loss = torch.nn.functional.nll_loss(output, target.to(device))
        loss.backward(); optimizer.step()
        if batch_idx % 10 == 0: print(loss.item())
