"""What every front that speaks HTTP has in common, pages and API alike: the clock's entrance, errors as statuses."""
