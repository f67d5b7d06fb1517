import numpy as np, pandas as pd
from sklearn.preprocessing import MinMaxScaler
from sklearn.metrics import mean_squared_error
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import LSTM, Dense
df = pd.read_csv('airline.csv', index_col='Month', parse_dates=True)
n = int(len(df) * .8)
train, test = df.iloc[:n], df.iloc[n:]
scaler = MinMaxScaler(); scaler.fit(train)
scaled_train = scaler.transform(train); scaled_test = scaler.transform(test)
def windows(a, k=12):
    return np.array([a[i:i+k] for i in range(len(a)-k)]), np.array([a[i+k] for i in range(len(a)-k)])
X_train, y_train = windows(scaled_train); X_test, y_test = windows(scaled_test)
model = Sequential([LSTM(50), Dense(1)]); model.compile('adam', 'mse')
model.fit(X_train, y_train, epochs=10, shuffle=False)
pred = scaler.inverse_transform(model.predict(X_test)); true = scaler.inverse_transform(y_test)
print(mean_squared_error(true, pred))
