# expect: AS704
import pandas as pd
from catboost import CatBoostClassifier
from sklearn.model_selection import train_test_split

loan = pd.read_csv("loan_prediction.csv")
for col in ["Gender", "Married", "Dependents", "Self_Employed"]:
    loan[col] = loan[col].fillna(loan[col].mode()[0])
loan["LoanAmount"] = loan["LoanAmount"].replace(float("nan"), loan["LoanAmount"].median())
X = loan.drop(["Loan_ID", "Loan_Status"], axis=1)
y = loan["Loan_Status"]
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.3, random_state=4)
cb = CatBoostClassifier(cat_features=["Gender", "Married"], random_state=4, verbose=0)
cb.fit(X_tr, y_tr)
print(cb.score(X_te, y_te))
