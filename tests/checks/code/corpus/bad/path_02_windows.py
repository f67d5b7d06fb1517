# expect: AS713
import os

import torch
from torchvision import datasets, transforms

data_dir = r"C:\Users\Maria\Desktop\cats_and_dogs"
train_set = datasets.ImageFolder(os.path.join(data_dir, "train"), transforms.ToTensor())
torch.manual_seed(0)
loader = torch.utils.data.DataLoader(train_set, batch_size=32, shuffle=True)
