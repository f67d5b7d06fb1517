# expect: AS706
import torch, torchvision
model = torchvision.models.vgg16(); criterion = torch.nn.CrossEntropyLoss()
def test_model(model, dataloaders):
    for inputs, labels in dataloaders['test']:
        outputs = model(inputs); print((outputs.argmax(1) == labels).float().mean())
test_model(model, loaders)
