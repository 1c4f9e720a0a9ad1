"""Messages of gateway: the one door."""
