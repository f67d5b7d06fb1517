import torch
def fit(model, loader, epochs):
    opt = torch.optim.SGD(model.parameters(), lr=.1)
    scheduler = torch.optim.lr_scheduler.StepLR(opt, 10)
    for epoch in range(epochs):
        if epoch > 0:
            scheduler.step()
        for x, y in loader:
            opt.zero_grad(); model(x).sum().backward(); opt.step()
