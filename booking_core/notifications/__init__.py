"""What buyers are told after a sale, beside the pages."""
