"""Past one machine: what it will cost, and several processes at once."""
