"""The second upstream: Whapi.Cloud's manager and gate hosts, in the same world and on the same clock."""
