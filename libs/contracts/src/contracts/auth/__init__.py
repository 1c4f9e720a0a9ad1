"""Messages of auth: who may do what."""
