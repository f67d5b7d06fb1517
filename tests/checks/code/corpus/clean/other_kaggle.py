import pandas as pd
from sklearn.model_selection import StratifiedKFold
from lightgbm import LGBMClassifier, early_stopping
from sklearn.metrics import roc_auc_score
import numpy as np
train = pd.read_csv('../input/train.csv'); test = pd.read_csv('../input/test.csv')
y = train['target']; features = [c for c in train.columns if c not in ('id', 'target')]
for c in features:
    freq = pd.concat([train[c], test[c]]).value_counts()
oof = np.zeros(len(train)); preds = np.zeros(len(test))
for fold, (trn_idx, val_idx) in enumerate(StratifiedKFold(5, shuffle=True, random_state=1).split(train, y)):
    X_trn, y_trn = train.iloc[trn_idx][features], y.iloc[trn_idx]
    X_val, y_val = train.iloc[val_idx][features], y.iloc[val_idx]
    m = LGBMClassifier(n_estimators=5000)
    m.fit(X_trn, y_trn, eval_set=[(X_val, y_val)], callbacks=[early_stopping(100)])
    oof[val_idx] = m.predict_proba(X_val)[:, 1]
    preds += m.predict_proba(test[features])[:, 1] / 5
print(roc_auc_score(y, oof))
pd.DataFrame({'id': test['id'], 'target': preds}).to_csv('sub.csv', index=False)
