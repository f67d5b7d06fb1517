import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler
df = pd.read_csv('m.csv'); X = StandardScaler().fit_transform(df)
df['anomaly'] = IsolationForest(random_state=0).fit_predict(X)
train_normal = df[df.anomaly == 1]
