import numpy as np
import pandas as pd
from sklearn.preprocessing import MinMaxScaler
from tensorflow.keras.layers import LSTM, Dense
from tensorflow.keras.models import Sequential

np.random.seed(7)
data = pd.read_csv("AAPL.csv")[["Close"]].values.astype("float32")
train_size = int(len(data) * 0.67)
scaler = MinMaxScaler(feature_range=(0, 1))
scaler.fit(data[:train_size])
dataset = scaler.transform(data)
train, test = dataset[0:train_size, :], dataset[train_size:len(dataset), :]


def create_dataset(values, look_back=1):
    xs, ys = [], []
    for i in range(len(values) - look_back - 1):
        xs.append(values[i:(i + look_back), 0])
        ys.append(values[i + look_back, 0])
    return np.array(xs), np.array(ys)


trainX, trainY = create_dataset(train, 3)
testX, testY = create_dataset(test, 3)
model = Sequential([LSTM(4, input_shape=(1, 3)), Dense(1)])
model.compile(loss="mean_squared_error", optimizer="adam")
model.fit(trainX, trainY, epochs=100, batch_size=1, verbose=2)
print(model.evaluate(testX, testY))
