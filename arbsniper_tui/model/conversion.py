"""How a live rate converts prices: the same arithmetic for a decision and for the screen. Pure."""


def units_for_one(rate_bid: float, rate_ask: float, is_inverted: bool, is_bought: bool) -> float:
    """Units of an instrument's own quote currency for one of the currency that counts: its price divided by this is its
    counted price.

    `is_inverted`: the rate's market is COUNTED/OWN (USDT/USD), else OWN/COUNTED. Each side of a price is converted at
    the side of the rate at which it could be had: a buyer must first get the own currency, a seller changes it back.
    """
    if is_inverted:
        return rate_bid if is_bought else rate_ask
    return 1.0 / (rate_ask if is_bought else rate_bid)
