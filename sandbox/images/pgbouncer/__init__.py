"""The pooler of the Zalando operator, with Debian's PgBouncer."""
