"""What touches the world: keys and sealing, passwords, the calendar of bank holidays, the shape of NHS numbers.

Each adapter wraps one well-kept library, so that the rest of the house speaks the domain's words.
"""
