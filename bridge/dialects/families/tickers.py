"""Words in capitals that are no ticker."""

# As in BUY SIGNAL or SELL ALL. Behind a quantity, where only a ticker can stand, any of these is one.
HEADLINE_WORDS = frozenset(
    {"A", "ALERT", "ALL", "AND", "AT", "BREAKOUT", "BUY", "CLOSE", "ENTRY", "EVERYTHING", "EXIT", "HERE"}
    | {"IN", "IT", "LIMIT", "LONG", "MARKET", "NOW", "OF", "ON", "ORDER", "ORDERS", "POSITION", "POSITIONS"}
    | {"ABOVE", "BELOW", "BIAS", "CONFIRMED", "CROSS", "CROSSED", "CROSSING", "CROSSOVER", "DOWNTREND", "OVER"}
    | {"POSSIBLE", "SQUEEZE", "TERM", "TREND", "UNDER", "UPTREND", "WATCH"}
    | {"PRICE", "SELL", "SETUP", "SHORT", "SIGNAL", "SIGNALS", "STOP", "THE", "TO", "TRADE", "TRIGGERED", "ZONE"}
)
