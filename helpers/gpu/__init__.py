"""What a card computes in and holds: memory, numbers, logits, attention."""
