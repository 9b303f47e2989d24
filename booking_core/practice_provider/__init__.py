"""A payment provider to rehearse with: a server in Stripe's shapes, with faults on demand."""
