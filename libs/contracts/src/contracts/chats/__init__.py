"""Messages of chats: conversations."""
