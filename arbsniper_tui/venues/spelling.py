"""How a venue spells symbols, where base and quote currency stand side by side in the name."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from arbsniper_tui.model.instrument import Market, Symbol

_INVERSE_QUOTE = "USD"


class Spelling(Struct, frozen=True):
    """Prefix, base, joint, quote, suffix: `BTC-USDT-SWAP` has the joint `-` and the suffix `-SWAP`."""

    joint: str = ""
    prefix: str = ""
    suffix: str = ""
    quotes: tuple[str, ...] = ()
    """The quote currencies by which a name without a joint is split: the longest first where one ends like another."""
    has_inverse: bool = False
    """Names with the quote USD are inverse perpetuals, settled in the base coin."""
    has_inverse_by_coin: bool = False
    """Names of a coin alone are inverse perpetuals in USD: `BTC-PERPETUAL` beside `BTC_USDC-PERPETUAL`."""
    is_lower: bool = False
    """Base and quote are in lower case, in the list and in every frame; write prefix and suffix as the venue does."""
    renamed: Mapping[str, str] = MappingProxyType({})
    """Coins that the venue calls by another name: its own name of a coin -> the usual one, such as XBT -> BTC."""
    renamed_quotes: Mapping[str, str] = MappingProxyType({})
    """The same for quote currencies alone, such as PERP -> USDC; `quotes` has them by the venue's name."""

    def spell(self, symbol: Symbol) -> str:
        """The venue's name for a symbol; empty for one that this market cannot have."""
        is_by_coin = symbol.is_inverse and self.has_inverse_by_coin and symbol.quote == _INVERSE_QUOTE
        if symbol.is_inverse and not (self.has_inverse or is_by_coin):
            return ""
        own = {usual: name for name, usual in self.renamed.items()}
        own_quote = own | {usual: name for name, usual in self.renamed_quotes.items()}
        base, quote = own.get(symbol.base, symbol.base), own_quote.get(symbol.quote, symbol.quote)
        pair = base if is_by_coin else f"{base}{self.joint}{quote}"
        return f"{self.prefix}{pair.lower() if self.is_lower else pair}{self.suffix}"

    def read(self, name: str, market: Market) -> str:
        """The unified symbol of a name; empty for one that is not spelled like this."""
        pair = name.removeprefix(self.prefix).removesuffix(self.suffix)
        if len(pair) + len(self.prefix) + len(self.suffix) != len(name):
            return ""
        if self.is_lower:
            # Other letters than a-z do not all come back: "ß" turns into "SS".
            if pair.upper().lower() != pair:
                return ""
            pair = pair.upper()
        if self.has_inverse_by_coin and pair and self.joint not in pair:
            coin = self.renamed.get(pair, pair)
            return f"{coin}/{_INVERSE_QUOTE}:{coin}"
        base, quote = (self.renamed.get(coin, coin) for coin in self._split(pair))
        quote = self.renamed_quotes.get(quote, quote)
        if not base or not quote:
            return ""
        if market is Market.SPOT:
            return f"{base}/{quote}"
        return f"{base}/{quote}:{base if self.has_inverse and quote == _INVERSE_QUOTE else quote}"

    def _split(self, pair: str) -> tuple[str, str]:
        if self.joint:
            parts = pair.split(self.joint)
            return (parts[0], parts[1]) if len(parts) == 2 else ("", "")
        quote = next((each for each in self.quotes if pair.endswith(each)), "")
        base = pair.removesuffix(quote)
        # Dated contracts join their date with one of these.
        return ("", "") if "_" in base or "-" in base else (base, quote)
