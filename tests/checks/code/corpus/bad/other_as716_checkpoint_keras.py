# expect: AS716
from tensorflow import keras
from tensorflow.keras.callbacks import ModelCheckpoint
(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
m = keras.Sequential(); m.compile('adam', 'mse')
cb = ModelCheckpoint('best.h5', save_best_only=True, monitor='val_loss')
m.fit(x_train, y_train, validation_data=(x_test, y_test), callbacks=[cb]); m.load_weights('best.h5'); print(m.evaluate(x_test, y_test))
