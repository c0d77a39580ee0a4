"""The channel face: Whapi's paths, bodies and manners on our host, with our tokens and gates, over any gateway."""
