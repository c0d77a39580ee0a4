"""Our words in Whapi's shapes, pure: messages, people, the state of a channel, and what its webhooks are told."""
