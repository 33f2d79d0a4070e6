"""What can be asked for, by whom: one file a role, each view a thin way to a query or a step of the journey."""
