"""The typed face: chats, contacts, groups, statuses, queue and account of an instance as resources."""
