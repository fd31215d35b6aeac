"""How a block of rows is scored, and how its moments are taken."""
