"""What ``make`` runs: notebooks executed, watched, cleaned and stamped."""
