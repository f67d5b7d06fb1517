import torch
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, get_scheduler, set_seed

set_seed(42)


def run(train_ds, eval_ds, epochs):
    model = AutoModelForSequenceClassification.from_pretrained("bert-base-cased", num_labels=2)
    train_dataloader = DataLoader(train_ds, shuffle=True, batch_size=8)
    eval_dataloader = DataLoader(eval_ds, batch_size=8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)
    steps = epochs * len(train_dataloader)
    lr_scheduler = get_scheduler("linear", optimizer=optimizer, num_warmup_steps=0, num_training_steps=steps)
    for epoch in range(epochs):
        model.train()
        for batch in train_dataloader:
            outputs = model(**batch)
            outputs.loss.backward()
            optimizer.step()
            lr_scheduler.step()
            optimizer.zero_grad()
        model.eval()
        right = 0
        for batch in eval_dataloader:
            with torch.no_grad():
                outputs = model(**batch)
            right += (outputs.logits.argmax(-1) == batch["labels"]).sum()
        print(epoch, right / len(eval_ds))
