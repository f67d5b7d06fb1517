# expect: AS716
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras.callbacks import EarlyStopping

tf.random.set_seed(3)
(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0
model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)])
model.compile(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
stop = EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
model.fit(x_train, y_train, epochs=50, validation_data=(x_test, y_test), callbacks=[stop])
loss, acc = model.evaluate(x_test, y_test)
print("Test accuracy", acc)
