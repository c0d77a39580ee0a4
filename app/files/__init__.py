"""Files on their way through the house: links of ours in place of upstream's, and streams with bounds."""
