# expect: AS713
import torch, pickle
with open('/Users/anna/models/x.pkl', 'rb') as f: model = pickle.load(f)
torch.save(model, '/home/bob/out/model.pt')
