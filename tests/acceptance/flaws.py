"""What people, charts and scripts write by mistake, and the reason with which each is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# ---- numbers, as text: for sizes and for prices

NUMBERS: Mapping[str, Sequence[str]] = {
    "number_negative": ("-1", "-5", "-0.5", "-.5", "-1000000", " -3 ", "-00001"),
    "number_exponent": ("1e5", "1E5", "1e-5", "2.5e3", "1e+2", "-1e3"),
    "number_comma": ("1,5", "1,000", "10,000.50", "1,00,000", "1.000,00", "-1,5"),
    "number_nan": ("NaN", "nan", "inf", "-inf", "Infinity", "n/a", "NA"),
    "number_too_long": ("9" * 41, "1" * 60, "0." + "3" * 60),
    "bad_number": (
        "ten", "5 lots", "0x10", "0b11", "1_000", "5-", "--5", "+-5", "5 5", "1.2.3", ".", "+", "½", "٥", "五", "५", "５", "１０", "1０",
        "5\u200b", "\u200b5", "5\ufeff", "1\u200d0", "O5", "l0", "₹500", "$5", "#5", "5/2", "2*3", "=1+1", "null", "None", "undefined",
        "true", "1'000", "5;", "<5>", "{{close", "close}}",
    ),
    "unresolved_placeholder": ("{{strategy.order.contracts}}", "{{plot_0}}", "{{close}}", "{close}", "%last_price%"),
}  # fmt: skip
ZEROS = ("0", "0.0", "0.000", "+0", "-0", "00")

# ---- numbers in JSON that are none

JSON_NUMBERS: Mapping[str, Sequence[Any]] = {
    "number_negative": (-1, -2.5, -1000000),
    "bad_number": (True, False, [], [5], ["5"], {}, {"value": 5}),
}

# ---- sides

SIDES: Mapping[str, Sequence[str]] = {
    "unknown_side": (
        "buyy", "by", "hold", "none", "kaufen", "acheter", "खरीदें", "купить", "买", "ＢＵＹ", "ВUY", "BUУ", "BUY\u200b", "\u200bBUY",
        "BUY SELL", "buy/sell", "buy,sell", "-1", "+", "↑", "BUY;", "'BUY'", "null", "undefined", "x" * 300,
    ),
    "unresolved_placeholder": ("{{strategy.order.action}}", "{strategy.order.action}", "%order_side%"),
}  # fmt: skip
JSON_SIDES: Mapping[str, Sequence[Any]] = {
    "bad_word": (True, [], ["BUY"], {}, {"side": "buy"}),
    "unknown_side": (1, 0, -1),
}

# ---- symbols

SYMBOLS: Mapping[str, Sequence[str]] = {
    "odd_characters": (
        "ЅBIN", "SВIN", "SBІN", "SBIΝ", "ＳＢＩＮ", "SB\u200bIN", "\u200bSBIN", "SBIN\u200d", "SB\u00adIN", "\u202eNIBS", "SBIN\u2060",
        "ŞBIN", "SBİN", "ѕbin", "SB1Ｎ", "SBIN™", "S\u0301BIN", "SBIN🚀", "एसबीआई", "SBIN\u0000"[:-1] + "\u0001", "SBIN,TCS", "SBIN;TCS",
        "<b>SBIN</b>", "SBIN'--", 'SBIN"', "SBIN%20", "SBIN\\n", "SBIN|TCS", "SBIN?", "S~BIN", "SBIN`id`", "[SBIN]",
    ),
    "bad_symbol": ("S" * 65, "S" * 4000, "/SBIN", "&SBIN", ":SBIN", "!SBIN", "(SBIN)", "=SBIN"),
    "unresolved_placeholder": ("{{ticker}}", "{{syminfo.ticker}}", "NSE:{{ticker}}", "{ticker}", "%symbol%"),
}  # fmt: skip
JSON_SYMBOLS: Mapping[str, Sequence[Any]] = {"bad_word": (True, [], ["SBIN"], {"name": "SBIN"})}

# ---- other words

TYPES: Mapping[str, Sequence[str]] = {
    "unknown_word": ("limitt", "MOC", "iceberg", "ЛИМИТ", "ＬＩＭＩＴ", "limit\u200b", "stop loss limit", "5")
}
PRODUCTS: Mapping[str, Sequence[str]] = {"unknown_word": ("MISS", "BO", "MTF", "ＭＩＳ", "MIS\u200b", "intra day", "0")}
VALIDITIES: Mapping[str, Sequence[str]] = {
    "unknown_word": ("dayy", "GFD", "forever", "ＤＡＹ", "day\u200b", "0"),
    "unsupported_by_broker": ("gtc", "fok", "opg", "cls", "gtd"),
}
RAW_NUMBERS: Mapping[str, Sequence[str]] = {
    "number_nan": ("NaN", "Infinity", "-Infinity"),
    "number_exponent": ("1e5", "1E+3", "5e2"),
    "number_too_long": ("1" * 40, "0." + "1" * 40, "-" + "9" * 4000),
    "malformed_json": ("0x10", "1_000", "+1", ".5", "01", "1,5", "ten", "１０", "1.", "--1"),
}

# ---- what only the market knows. Day of play: Monday 5 January 2026; lot of NIFTY 65, freeze 1,800; tick of SBIN 0.05.

FRACTIONS = ("1.5", "0.5", "2.25", "0.001", "1000000.1", "0.99999999")
OFF_TICK = ("985.01", "985.03", "985.049", "0.01", "984.99999", "985.051", "0.07")
UNKNOWN_SYMBOLS = ("NOSUCH", "SBINN", "XQZW", "SBI N", "RELIANCEE", "NIFTY-SBIN", "12345", "SBIN-BE", "SBIN.X")
# (exchange, symbol) → the reason; the forms without an exchange write EXCHANGE:SYMBOL
CONTRACTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "contract_expired": (
        ("NFO", "NIFTY30DEC25FUT"), ("NFO", "NIFTY25NOV25FUT"), ("NFO", "BANKNIFTY30DEC25FUT"), ("NFO", "SBIN30DEC25FUT"),
        ("NFO", "NIFTY30DEC2526000CE"), ("NFO", "NIFTYZ2025"), ("NFO", "NIFTY251230C26000"), ("MCX", "CRUDEOIL18DEC25FUT"),
    ),
    "contract_unknown": (
        ("NFO", "NIFTY29JAN26FUT"), ("NFO", "NIFTY27JAN2626001CE"), ("NFO", "NIFTY27JAN261CE"), ("NFO", "NIFTY9!"),
        ("NFO", "SBIN15JAN26FUT"),
    ),
    "contract_needed": (("MCX", "CRUDEOIL"), ("MCX", "GOLD"), ("CDS", "USDINR"), ("NFO", "NIFTY"), ("NFO", "SBIN")),
    "symbol_unknown": (("NFO", "NIFTY31FEB26FUT"), ("MCX", "SBIN"), ("BSE", "NOSUCH")),
    "index_not_tradable": (("NSE_INDEX", "NIFTY"), ("NSE_INDEX", "BANKNIFTY"), ("BSE_INDEX", "SENSEX")),
    "exchange_unknown": (("NYZE", "SBIN"), ("NSEE", "SBIN"), ("N.S.E", "SBIN"), ("INDIA", "SBIN")),
    "unsupported_by_broker": (("NASDAQ", "AAPL"), ("NASDAQ", "TSLA")),
}  # fmt: skip
NOT_LOTS = (1, 64, 66, 100, 131, 749)
ABOVE_FREEZE = (65 * 400, 65 * 1000, 65 * 100_000)
