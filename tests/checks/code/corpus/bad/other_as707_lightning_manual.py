# expect: AS707
import lightning as L, torch
class M(L.LightningModule):
    def __init__(self):
        super().__init__(); self.automatic_optimization = False; self.net = torch.nn.Linear(2, 1)
    def training_step(self, batch, i):
        opt = self.optimizers()
        loss = self.net(batch).mean()
        self.manual_backward(loss)
        opt.step()
