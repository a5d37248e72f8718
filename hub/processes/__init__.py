"""What runs: web, worker, scheduler, and all of them at once."""
