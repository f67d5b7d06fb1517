# expect: AS708
import torch
from transformers import get_linear_schedule_with_warmup
def train(model, dl, epochs):
    optimizer = torch.optim.AdamW(model.parameters())
    total_steps = len(dl) * epochs
    scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=total_steps)
    for epoch in range(epochs):
        for b in dl:
            model.zero_grad(); model(**b).loss.backward(); optimizer.step()
        scheduler.step()
