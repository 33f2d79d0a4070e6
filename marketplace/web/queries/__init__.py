"""What the pages read. Each function takes the session and, where things have an owner, the actor; it returns plain
values ready to be shown, or raises `NotFound` for what the actor may not know of. Nothing here changes anything.
"""
