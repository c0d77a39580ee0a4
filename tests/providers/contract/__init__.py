"""The contract of every wing, run beside the upstream that is played for it. See docs/providers.md."""
