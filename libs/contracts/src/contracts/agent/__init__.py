"""Messages of agent: what acts."""
