"""A sale ahead of time: a crowd on a virtual clock, paced and told by the very code that is shipped."""
