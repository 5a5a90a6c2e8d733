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
    "bad_number": (True, False, [], [5], ["5"], {"value": 5}),
}

# ---- sides

SIDES: Mapping[str, Sequence[str]] = {
    "unknown_side": (
        "buyy", "by", "hold", "none", "kaufen", "acheter", "खरीदें", "купить", "买", "ＢＵＹ", "ВUY", "BUУ", "BUY\u200b", "\u200bBUY",
        "BUY SELL", "buy/sell", "buy,sell", "-1", "+", "↑", "BUY;", "'BUY'", "null", "undefined", "x" * 300,
    ),
    "unresolved_placeholder": ("{{strategy.order.action}}", "{strategy.order.action}", "%order_side%"),
}  # fmt: skip
JSON_SIDES: Mapping[str, Sequence[Any]] = {"bad_word": (True, [], ["BUY"], {}, {"side": "buy"}), "unknown_side": (1, 0, -1)}

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
