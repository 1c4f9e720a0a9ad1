"""The projections that their owners' snapshots rebuild, by consumer, with the topic that each is a copy of."""

COPIES = {
    "agent.chats": "chats-chats",
    "agent.memberships": "auth-memberships",
    "agent.modules": "modules-modules",
    "chats.agents": "agent-agents",
    "chats.memberships": "auth-memberships",
    "modules.memberships": "auth-memberships",
}
