"""What the API answers with: one schema a thing. Ids are opaque, money is whole pence, moments are UTC in ISO 8601."""
