import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch.utils.data import DataLoader

from project.data import read_parts
from project.model import LitRegressor

pl.seed_everything(99)
train_set, val_set, test_set = read_parts()
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
val_loader = DataLoader(val_set, batch_size=64)
test_loader = DataLoader(test_set, batch_size=64)
trainer = pl.Trainer(
    max_epochs=100,
    callbacks=[EarlyStopping("val_loss", patience=5), ModelCheckpoint(monitor="val_loss")],
)
model = LitRegressor()
trainer.fit(model, train_loader, val_loader)
trainer.test(model, test_loader)
