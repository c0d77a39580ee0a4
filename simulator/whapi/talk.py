"""What a channel knows of messages, chats and people."""

from dataclasses import dataclass


@dataclass(slots=True)
class Talk:
    """Filled by the methods of messages, chats, contacts, groups and stories."""
