import optuna
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score, train_test_split

df = pd.read_csv("bank.csv")
X_train, X_test, y_train, y_test = train_test_split(df.drop(columns="y"), df["y"], test_size=0.2, random_state=42)


def objective(trial):
    model = LGBMClassifier(
        num_leaves=trial.suggest_int("num_leaves", 8, 256),
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 0.3, log=True),
        random_state=42,
    )
    return cross_val_score(model, X_train, y_train, cv=5, scoring="roc_auc").mean()


study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=42))
study.optimize(objective, n_trials=100)
final = LGBMClassifier(**study.best_params, random_state=42).fit(X_train, y_train)
print("AUC", roc_auc_score(y_test, final.predict_proba(X_test)[:, 1]))
