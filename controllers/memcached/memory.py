"""How much of a node's memory memcached may fill with items."""

MIB = 2**20
# Below it a quarter is less than what an idle server with all its connections takes.
LEAST_MEMORY = 64 * MIB


def item_mebibytes(limit: int) -> int:
    """Return memcached's option ``-m`` for a container's memory limit in bytes: three quarters of it.

    The rest is for the hash table, for buffers of connections and threads, and for what the allocator holds back.
    """
    return limit * 3 // 4 // MIB
