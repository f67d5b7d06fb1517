from datasets import load_dataset
from transformers import *
ds = load_dataset('glue', 'mrpc'); tok = AutoTokenizer.from_pretrained('x')
ds = ds.map(lambda b: tok(b['sentence1'], b['sentence2']), batched=True)
model = AutoModelForSequenceClassification.from_pretrained('x')
trainer = Trainer(model, TrainingArguments('o', eval_strategy='epoch', load_best_model_at_end=True), train_dataset=ds['train'], eval_dataset=ds['validation'])
trainer.train(); print(trainer.predict(ds['test']).metrics)
