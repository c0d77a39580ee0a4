"""What each operation of the two hosts does."""
