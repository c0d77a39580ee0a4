"""Lines: what a tenant's instance is to code written for GREEN-API: a number, a token, settings and a queue."""
