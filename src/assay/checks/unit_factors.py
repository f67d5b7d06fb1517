"""Factors between units that are mixed up, and whose they are."""

from __future__ import annotations

FACTORS = {
    1.609344: "miles and kilometres",
    1.8: "degrees or steps of two scales",
    2.2046226: "kilograms and pounds",
    2.54: "inches and centimetres",
    3.28084: "metres and feet",
    3.785412: "gallons and litres",
    4.184: "calories and joules",
    7.0: "weeks and days",
    10.0: "a power of ten",
    12.0: "years and months, or feet and inches",
    16.0: "pounds and ounces",
    18.0182: "mmol/l and mg/dl",
    24.0: "days and hours",
    25.4: "inches and millimetres",
    28.349523: "ounces and grams",
    30.4375: "months and days",
    30.48: "feet and centimetres",
    39.37008: "metres and inches",
    52.1775: "years and weeks",
    60.0: "hours, minutes or seconds",
    88.42: "mg/dl and micromol/l",
    100.0: "shares and per cent, or a power of ten",
    365.25: "years and days",
    453.59237: "pounds and grams",
    1000.0: "a thousand, as of kilograms and grams",
    3600.0: "hours and seconds",
    1e6: "a million",
}


def said(factor: float) -> str:
    """A factor and whose it is, in words.

    >>> said(1000.0), said(1 / 2.2046226)
    ('1000 times (a thousand, as of kilograms and grams)', '1/2.20462 times (kilograms and pounds)')
    """
    known = min(FACTORS, key=lambda each: abs(each - max(factor, 1 / factor)))
    return f"{f'{known:g}' if factor > 1 else f'1/{known:g}'} times ({FACTORS[known]})"
