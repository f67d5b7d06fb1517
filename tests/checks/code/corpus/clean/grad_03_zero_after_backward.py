import torch


class Trainer:
    def __init__(self, net, optimizer, criterion, device):
        self.net = net
        self.optimizer = optimizer
        self.criterion = criterion
        self.device = device

    def train_one_epoch(self, loader):
        self.net.train()
        running = 0.0
        for inputs, labels in loader:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            loss = self.criterion(self.net(inputs), labels)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            running += loss.item()
        return running / len(loader)
