# expect: AS706
import torch
class Runner:
    def train(self, epochs):
        for e in range(epochs):
            for x, y in self.train_loader:
                self.opt.zero_grad(); self.crit(self.net(x), y).backward(); self.opt.step()
            self.evaluate()
    def evaluate(self):
        n = 0
        for x, y in self.val_loader:
            n += (self.net(x).argmax(1) == y).sum().item()
        return n
