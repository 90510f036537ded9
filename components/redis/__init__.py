"""Redis: a primary and its replicas as one StatefulSet."""

from components.redis.component import Redis
from components.redis.settings import RedisSettings

__all__ = ["Redis", "RedisSettings"]
