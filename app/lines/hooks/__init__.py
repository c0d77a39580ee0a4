"""A line's webhooks in Whapi's shape: virtual, for they are ours and no gateway is ever told of them."""
