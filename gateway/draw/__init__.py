"""The draw: who entered before the opening gets a random place that anybody can work out again."""
