# expect: AS715
from tensorflow import keras
from sklearn.model_selection import train_test_split
import numpy as np
X, y = np.load('x.npy'), np.load('y.npy'); X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = keras.Sequential([keras.layers.Dense(1)]); model.compile('adam', 'mse')
model.fit(X_train, y_train, epochs=5)
print('Test loss', model.evaluate(X_train, y_train))
