# expect: AS712
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.linear_model import LinearRegression
df = pd.read_csv('stock.csv'); df['Date'] = pd.to_datetime(df['Date']); df.set_index('Date', inplace=True)
df['Prev'] = df['Close'].shift(1); df.dropna(inplace=True)
X_train, X_test, y_train, y_test = train_test_split(df[['Prev']], df['Close'], test_size=.2, random_state=0)
print(LinearRegression().fit(X_train, y_train).score(X_test, y_test))
