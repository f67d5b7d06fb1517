# expect: AS701
import lightning as L
import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset


class TabularData(L.LightningDataModule):
    def __init__(self, path, batch_size=256):
        super().__init__()
        self.path = path
        self.batch_size = batch_size
        self.scaler = StandardScaler()

    def setup(self, stage=None):
        blob = np.load(self.path)
        x, y = blob["x"], blob["y"]
        x = self.scaler.fit_transform(x).astype(np.float32)
        x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, random_state=13)
        self.train = TensorDataset(torch.from_numpy(x_train), torch.from_numpy(y_train))
        self.val = TensorDataset(torch.from_numpy(x_val), torch.from_numpy(y_val))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=self.batch_size)
