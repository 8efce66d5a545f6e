"""Where events go, behind a bounded queue. Rule: a sink cannot slow a decision and never changes one."""
