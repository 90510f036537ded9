"""The Memcached controller: a Deployment, a headless Service and a disruption budget for every ``Memcached``."""
