"""NHS numbers of the range reserved for synthetic people: 999 followed by six digits and a check digit.

No such number will ever be given to anybody. The check digit is the modulus 11 one of every NHS number.
"""

import random


def check_digit(nine_digits: str) -> int | None:
    """The tenth digit, or None where the first nine can belong to no number."""
    weighted = sum(int(digit) * (10 - position) for position, digit in enumerate(nine_digits))
    digit = 11 - weighted % 11
    if digit == 10:
        return None
    return 0 if digit == 11 else digit


def synthetic_nhs_numbers(draw: random.Random, count: int) -> list[str]:
    """Different valid numbers of the reserved range, in the order drawn."""
    numbers: list[str] = []
    for serial in draw.sample(range(10**6), k=count + count // 4 + 10):
        nine_digits = f"999{serial:06d}"
        digit = check_digit(nine_digits)
        if digit is not None:
            numbers.append(f"{nine_digits}{digit}")
    return numbers[:count]
