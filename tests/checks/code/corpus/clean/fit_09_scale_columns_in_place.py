import pandas as pd
import torch
from sklearn.preprocessing import RobustScaler
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
df = pd.read_parquet("sensors.parquet").sample(frac=1, random_state=0)
cols = ["temp", "pressure", "humidity"]
n_train = int(0.8 * len(df))
train_df, val_df = df.iloc[:n_train].copy(), df.iloc[n_train:].copy()
scaler = RobustScaler().fit(train_df[cols])
for part in (train_df, val_df):
    part[cols] = scaler.transform(part[cols])


def to_dataset(frame):
    X = torch.tensor(frame[cols].values, dtype=torch.float32)
    return TensorDataset(X, torch.tensor(frame["failure"].values, dtype=torch.long))


train_loader = DataLoader(to_dataset(train_df), batch_size=64, shuffle=True)
val_loader = DataLoader(to_dataset(val_df), batch_size=64)
