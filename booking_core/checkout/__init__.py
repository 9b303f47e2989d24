"""Orders and payments: from a reservation to a sale, one resumable step at a time."""
