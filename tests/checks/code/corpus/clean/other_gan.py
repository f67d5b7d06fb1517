import torch
from torch import nn
G, D = nn.Linear(64, 784), nn.Linear(784, 1)
opt_G = torch.optim.Adam(G.parameters()); opt_D = torch.optim.Adam(D.parameters())
torch.manual_seed(0)
for epoch in range(10):
    for real, _ in loader:
        opt_D.zero_grad()
        d_loss = D(real).mean() - D(G(torch.randn(8, 64)).detach()).mean()
        d_loss.backward()
        opt_D.step()
        opt_G.zero_grad()
        (-D(G(torch.randn(8, 64))).mean()).backward()
        opt_G.step()
