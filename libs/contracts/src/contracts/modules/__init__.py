"""Messages of modules: the things people and agents work on."""
