-- As outcomes (0306): what somebody else holds of one conversation is waited for a moment by those that are claimed with it, who then go
-- alone; without an end they all waited until the statement's, and were none of them claimed.
alter function claim_all(uuid[], text, float8, int) set lock_timeout = '200ms';
