# expect: AS704
import pandas as pd
import torch
from sklearn.model_selection import train_test_split

torch.manual_seed(1)
df = pd.read_csv("auto-mpg.csv")
target = df.pop("mpg")
normed = (df - df.mean()) / df.std()
x_train, x_test, y_train, y_test = train_test_split(normed.values, target.values, test_size=0.2)
net = torch.nn.Sequential(torch.nn.Linear(x_train.shape[1], 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
