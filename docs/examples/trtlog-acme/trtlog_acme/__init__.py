"""What the Acme attention plug-in prints, for trtlog."""
