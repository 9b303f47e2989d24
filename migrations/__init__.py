"""The SQL files that make the database, in order; `onsale migrate` applies them."""
