# expect: AS706
import torch
from models import build
model = build(); opt = torch.optim.Adam(model.parameters())
for epoch in range(3):
    model.train()
    for x, y in train_loader:
        opt.zero_grad(); torch.nn.functional.mse_loss(model(x), y).backward(); opt.step()
    tot = 0
    for i, (x, y) in enumerate(tqdm(valid_dl)):
        with torch.no_grad():
            tot += torch.nn.functional.mse_loss(model(x), y).item()
