"""What people at the console do in conversations: read, take over, answer, ask why, try a bot."""
