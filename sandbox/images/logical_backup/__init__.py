"""The logical backup of the Zalando operator, with Debian's pg_dumpall and s3cmd."""
