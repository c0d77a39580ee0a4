"""What the typed face takes and gives, resource by resource."""
