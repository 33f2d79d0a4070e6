"""The Lincolnshire market: one county's people, providers, tenders and offers, real where it can be.

`market.lincolnshire(seed)` is the whole of it as one frozen value; `data/README.md` says what in it is real, under
which licence, and what is made up. The files it reads are made by `derive`.
"""
