"""The key ring: secrets wrapped by a key that stays outside the warehouse, and tokens made of them.

`KeyRing` creates, finds and destroys one secret a purpose and period; `derive` separates fields
inside a secret; `Tokens` names subjects without telling who they are.
"""

from __future__ import annotations

from lethe.keys.periods import month_of, year_of
from lethe.keys.ring import KeyDestroyed, KeyMissing, KeyRecord, KeyRing, KeyWitness, list_keys
from lethe.keys.sealing import Sealer
from lethe.keys.tokens import TOKEN_BYTES, Tokens, encode_message
from lethe.keys.wrapping import KeyEncryptionKey, derive

__all__ = [
    "TOKEN_BYTES",
    "KeyDestroyed",
    "KeyEncryptionKey",
    "KeyMissing",
    "KeyRecord",
    "KeyRing",
    "KeyWitness",
    "Sealer",
    "Tokens",
    "derive",
    "encode_message",
    "list_keys",
    "month_of",
    "year_of",
]
