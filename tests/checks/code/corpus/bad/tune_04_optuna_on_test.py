# expect: AS717
import optuna
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

df = pd.read_csv("bank.csv")
X_train, X_test, y_train, y_test = train_test_split(df.drop(columns="y"), df["y"], test_size=0.2, random_state=42)


def objective(trial):
    model = LGBMClassifier(
        num_leaves=trial.suggest_int("num_leaves", 8, 256),
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 0.3, log=True),
        random_state=42,
    )
    model.fit(X_train, y_train)
    return roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])


study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=42))
study.optimize(objective, n_trials=100)
print("best AUC", study.best_value)
