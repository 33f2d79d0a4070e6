"""What people may see, for pages and programs alike. Each function takes the session and, where things have an owner,
the actor; it returns plain values ready to be shown, or raises `NotFound` for what the actor may not know of. Nothing
here changes anything, and nothing here knows HTTP.

`words` says values (money, days, units), `reasons` the engine's rules in sentences, `maps` where people and sites are.
"""
