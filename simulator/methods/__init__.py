"""What each method of the upstream does; `table` says which there are."""
