"""PostgreSQL by the Zalando operator."""

from components.postgres.component import COPY, Postgres
from components.postgres.objects import postgresql
from components.postgres.operator import operator_values
from components.postgres.settings import PostgresSettings

__all__ = ["COPY", "Postgres", "PostgresSettings", "operator_values", "postgresql"]
