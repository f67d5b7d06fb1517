# expect: AS706
import torch
import torch.nn as nn
import torch.optim as optim
from torchvision import datasets, transforms

torch.manual_seed(0)
tf = transforms.ToTensor()
train_loader = torch.utils.data.DataLoader(datasets.MNIST("data", train=True, transform=tf), batch_size=64, shuffle=True)
test_loader = torch.utils.data.DataLoader(datasets.MNIST("data", train=False, transform=tf), batch_size=1000)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.drop = nn.Dropout(0.5)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = torch.relu(self.fc1(x.view(-1, 784)))
        return self.fc2(self.drop(x))


model = Net()
optimizer = optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(5):
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()

correct = 0
for images, labels in test_loader:
    outputs = model(images)
    correct += (outputs.argmax(1) == labels).sum().item()
print("Test accuracy:", correct / len(test_loader.dataset))
