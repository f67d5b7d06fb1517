# expect: AS701
import pandas as pd
import torch
from sklearn.preprocessing import RobustScaler
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
df = pd.read_parquet("sensors.parquet")
cols = ["temp", "pressure", "humidity"]
df[cols] = RobustScaler().fit_transform(df[cols])
X = torch.tensor(df[cols].values, dtype=torch.float32)
y = torch.tensor(df["failure"].values, dtype=torch.long)
full = TensorDataset(X, y)
n_train = int(0.8 * len(full))
train_ds, val_ds = random_split(full, [n_train, len(full) - n_train])
train_loader = DataLoader(train_ds, batch_size=64, shuffle=True)
val_loader = DataLoader(val_ds, batch_size=64)
