# expect: AS708
import torch
def train(model, dl, epochs, scheduler, optimizer):
    for epoch in range(epochs):
        for b in dl:
            optimizer.zero_grad(); model(b).sum().backward()
            scheduler.step()
            optimizer.step()
