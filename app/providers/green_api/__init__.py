"""The GREEN-API wing. Nothing outside it knows GREEN-API's words; `adapter.GreenApi` is its one door."""
