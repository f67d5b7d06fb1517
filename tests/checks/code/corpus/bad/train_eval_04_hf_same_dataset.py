# expect: AS715
from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments, set_seed

set_seed(0)
raw = load_dataset("rotten_tomatoes")
tok = AutoTokenizer.from_pretrained("distilbert-base-uncased")
tokenized = raw.map(lambda b: tok(b["text"], truncation=True), batched=True)
model = AutoModelForSequenceClassification.from_pretrained("distilbert-base-uncased", num_labels=2)
args = TrainingArguments("out", eval_strategy="epoch", num_train_epochs=3)
trainer = Trainer(model, args, train_dataset=tokenized["train"], eval_dataset=tokenized["train"])
trainer.train()
print(trainer.evaluate())
