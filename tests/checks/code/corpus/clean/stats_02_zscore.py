import pandas as pd
import torch
from sklearn.model_selection import train_test_split

torch.manual_seed(1)
df = pd.read_csv("auto-mpg.csv")
target = df.pop("mpg")
train, test, y_train, y_test = train_test_split(df, target, test_size=0.2)
mean, std = train.mean(), train.std()
x_train = ((train - mean) / std).values
x_test = ((test - mean) / std).values
net = torch.nn.Sequential(torch.nn.Linear(x_train.shape[1], 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
