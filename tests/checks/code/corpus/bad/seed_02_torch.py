# expect: AS711
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

X, y = torch.load("features.pt")
loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters())
for epoch in range(20):
    for xb, yb in loader:
        opt.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(net(xb).squeeze(1), yb)
        loss.backward()
        opt.step()
torch.save(net.state_dict(), "net.pt")
