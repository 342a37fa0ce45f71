-- Documents of somebody who was erased and came back are compared again: older nights took every change
-- of them for what the erasure had blanked, and what hangs on a customer through another table for his.

DELETE FROM lethe.archive_unchanged;
