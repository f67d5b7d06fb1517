from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.metrics import brier_score_loss
import pandas as pd
df = pd.read_csv('a.csv')
X_train, X_rest, y_train, y_rest = train_test_split(df[['a','b']], df['y'], random_state=0)
X_cal, X_test, y_cal, y_test = train_test_split(X_rest, y_rest, random_state=0)
rf = RandomForestClassifier(random_state=0).fit(X_train, y_train)
cal = CalibratedClassifierCV(FrozenEstimator(rf)).fit(X_cal, y_cal)
print(brier_score_loss(y_test, cal.predict_proba(X_test)[:, 1]))
