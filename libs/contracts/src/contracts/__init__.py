"""Every message between Stoa's services: envelope, kinds, topics, roles and permissions."""
