"""The rules of the house: values in, values or a named error out.

Nothing here knows a database, a web page, the clock or a library beyond Python's own. A rule is written once, here,
and everything that needs it comes and asks.
"""
