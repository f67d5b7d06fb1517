import torch
def fit(model, train_loader, val_loader, epochs, validate):
    opt = torch.optim.SGD(model.parameters(), lr=.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=3)
    for epoch in range(epochs):
        for x, y in train_loader:
            opt.zero_grad(); model(x).sum().backward(); opt.step()
        scheduler.step(validate(model, val_loader))
