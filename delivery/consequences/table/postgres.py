"""The Zalando operator's ``postgresql``. The rows rest on its sources; PostgreSQL's fault suite sees many of them."""

from typing import Final

from delivery.consequences import conditions as when
from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table import sources

_NONE, _ROLLING, _DOWNTIME, _LOSS = (
    Consequence.NONE, Consequence.ROLLING, Consequence.DOWNTIME, Consequence.DATA_LOSS,
)  # fmt: skip

# Parameters of the context `postmaster`: they count only after a restart of the server.
NEED_RESTART: Final = (
    "archive_mode", "autovacuum_freeze_max_age", "autovacuum_multixact_freeze_max_age", "autovacuum_worker_slots",
    "bonjour", "cluster_name", "commit_timestamp_buffers", "event_source", "hot_standby", "huge_page_size",
    "huge_pages", "io_max_combine_limit", "io_max_concurrency", "io_method", "jit_provider", "listen_addresses",
    "logging_collector", "max_active_replication_origins", "max_connections", "max_files_per_process",
    "max_locks_per_transaction", "max_logical_replication_workers", "max_notify_queue_pages",
    "max_pred_locks_per_transaction", "max_prepared_transactions", "max_replication_slots", "max_wal_senders",
    "max_worker_processes", "min_dynamic_shared_memory", "multixact_member_buffers", "multixact_offset_buffers",
    "notify_buffers", "port", "recovery_target", "reserved_connections", "serializable_buffers", "shared_buffers",
    "shared_memory_type", "shared_preload_libraries", "subtransaction_buffers", "superuser_reserved_connections",
    "track_activity_query_size", "track_commit_timestamp", "transaction_buffers", "unix_socket_directories",
    "wal_buffers", "wal_decode_buffer_size", "wal_level", "wal_log_hints",
)  # fmt: skip
# Parameters that a reload or a new session takes over, as far as stacks commonly set them.
NEED_RELOAD: Final = (
    "archive_timeout", "autovacuum", "autovacuum_analyze_scale_factor", "autovacuum_max_workers", "autovacuum_naptime",
    "autovacuum_vacuum_cost_delay", "autovacuum_vacuum_cost_limit", "autovacuum_vacuum_scale_factor",
    "bgwriter_delay", "bgwriter_lru_maxpages", "checkpoint_completion_target", "checkpoint_timeout",
    "default_statistics_target", "effective_cache_size", "effective_io_concurrency",
    "idle_in_transaction_session_timeout", "lock_timeout", "log_checkpoints", "log_connections",
    "log_disconnections", "log_line_prefix", "log_lock_waits", "log_min_duration_statement", "log_statement",
    "log_temp_files", "maintenance_work_mem", "max_parallel_maintenance_workers", "max_parallel_workers",
    "max_parallel_workers_per_gather", "max_slot_wal_keep_size", "max_standby_streaming_delay", "max_wal_size",
    "min_wal_size", "password_encryption", "random_page_cost", "seq_page_cost", "statement_timeout",
    "synchronous_commit", "temp_file_limit", "timezone", "wal_compression", "wal_keep_size", "work_mem",
)  # fmt: skip
_PARAMETER: Final = "spec.postgresql.parameters.*"

_POSTGRESQL: Final = (
    Rule("+", _NONE, "A new cluster, empty or filled from an archive.", sources.POSTGRES_MANIFEST),
    Rule("-", _LOSS, "The operator deletes the database, and its volume claims unless it is told to keep them.",
         sources.POSTGRES_MANIFEST),
    Rule("±", _LOSS, "The operator deletes the database and makes a new, empty one.", sources.POSTGRES_MANIFEST),
    Rule("spec.numberOfInstances", _DOWNTIME, "All instances end; their volume claims stay.",
         sources.POSTGRES_MANIFEST, when.to_zero),
    Rule("spec.numberOfInstances", _ROLLING, "Instances end, the primary after a switchover.",
         sources.POSTGRES_MANIFEST, when.fewer),
    Rule("spec.numberOfInstances", _NONE, "More replicas join.", sources.POSTGRES_MANIFEST, when.more),
    Rule("spec.postgresql.version", _DOWNTIME,
         "A newer major restarts every pod and upgrades in place (major_upgrade_mode); there is no way back.",
         sources.POSTGRES_MANIFEST, when.more),
    Rule(_PARAMETER, _ROLLING, "The server must restart for it: the operator restarts one instance after another.",
         sources.POSTGRES_PARAMETERS, when.names(3, NEED_RESTART)),
    Rule(_PARAMETER, _NONE, "A reload takes it over.", sources.POSTGRES_PARAMETERS, when.names(3, NEED_RELOAD)),
    Rule("spec.volume.size", _NONE, "Volumes grow while they are in use.", sources.POSTGRES_USER, when.more),
    Rule("spec.users.**", _NONE, "Roles are made and altered; one that is left out stays in the database.",
         sources.POSTGRES_USER),
    Rule("spec.databases.**", _NONE, "Databases are made; one that is left out stays.", sources.POSTGRES_USER),
    Rule("spec.preparedDatabases.**", _NONE, "Databases, schemas, roles are made; what is left out stays.",
         sources.POSTGRES_USER),
    Rule("spec.patroni.pg_hba.**", _NONE, "A reload takes it over; open sessions stay.", sources.POSTGRES_SYNC),
    Rule("spec.resources.**", _ROLLING, "Pods are replaced one by one, the primary last, after a switchover.",
         sources.POSTGRES_SYNC),
    Rule("spec.dockerImage", _ROLLING, "Pods are replaced one by one, the primary last, after a switchover.",
         sources.POSTGRES_SYNC),
    Rule("spec.patroni.**", _NONE, "Patroni takes it over while it runs.", sources.POSTGRES_SYNC),
    Rule("spec.enableConnectionPooler", _NONE, "PgBouncer starts beside the cluster.", sources.POSTGRES_USER,
         when.switched_on),
    Rule("spec.enableReplicaConnectionPooler", _NONE, "PgBouncer starts beside the cluster.", sources.POSTGRES_USER,
         when.switched_on),
    Rule("spec.enableConnectionPooler", _DOWNTIME, "PgBouncer's address stops answering.", sources.POSTGRES_USER),
    Rule("spec.enableReplicaConnectionPooler", _DOWNTIME, "PgBouncer's address stops answering.",
         sources.POSTGRES_USER),
    Rule("spec.connectionPooler.**", _NONE, "Comes or goes with PgBouncer itself.", sources.POSTGRES_USER,
         when.added_or_removed),
    Rule("spec.connectionPooler.numberOfInstances", _ROLLING, "PgBouncers above the number end.",
         sources.POSTGRES_USER, when.fewer),
    Rule("spec.connectionPooler.numberOfInstances", _NONE, "More PgBouncers start.", sources.POSTGRES_USER, when.more),
    Rule("spec.connectionPooler.mode", _ROLLING, "PgBouncers are replaced in turn.", sources.POSTGRES_USER),
    Rule("spec.connectionPooler.maxDBConnections", _ROLLING, "PgBouncers are replaced in turn.",
         sources.POSTGRES_USER),
    Rule("spec.connectionPooler.resources.**", _ROLLING, "PgBouncers are replaced in turn.", sources.POSTGRES_USER),
    Rule("spec.connectionPooler.dockerImage", _ROLLING, "PgBouncers are replaced in turn.", sources.POSTGRES_USER),
    Rule("spec.tls.**", _ROLLING, "Pods are replaced one by one, the primary last, after a switchover.",
         sources.POSTGRES_SYNC),
    Rule("spec.spiloFSGroup", _ROLLING, "Pods are replaced one by one, the primary last, after a switchover.",
         sources.POSTGRES_SYNC),
    Rule("spec.podAnnotations.**", _ROLLING, "PgBouncers are replaced in turn; the database's pods get it in place.",
         sources.POSTGRES_SYNC),
    Rule("spec.usersWithSecretRotation.**", _NONE, "The Secret gets another login; the last one stays valid.",
         sources.POSTGRES_SYNC),
    Rule("spec.usersWithInPlaceSecretRotation.**", _NONE, "The Secret's password changes at the interval, not now.",
         sources.POSTGRES_SYNC),
    Rule("spec.usersIgnoringSecretRotation.**", _NONE, "Passwords stay as they are.", sources.POSTGRES_SYNC),
    Rule("spec.enableLogicalBackup", _NONE, "A CronJob comes or goes; backups stay.", sources.POSTGRES_USER),
    Rule("spec.logicalBackupSchedule", _NONE, "Counts for the next backup.", sources.POSTGRES_USER),
    Rule("spec.logicalBackupRetention", _LOSS, "Backups older than that are deleted with the next one.",
         sources.POSTGRES_MANIFEST),
    Rule("spec.env.*.value", _LOSS, "Base backups and WAL older than the days are deleted with the next base backup.",
         sources.POSTGRES_IMAGE, when.every(when.names(2, ("BACKUP_NUM_TO_RETAIN",)), when.fewer)),
    Rule("spec.env.**", _ROLLING, "The pod template changes: pods are replaced one by one.", sources.POSTGRES_SYNC),
    Rule("spec.additionalVolumes.**", _ROLLING, "The pod template changes: pods are replaced one by one.",
         sources.POSTGRES_SYNC),
    Rule("spec.clone.**", _ROLLING, "Fills a new cluster only; of one that exists the pods are replaced one by one.",
         sources.POSTGRES_SYNC),
    Rule("spec.topologySpreadConstraints.**", _ROLLING, "The pod template changes: pods are replaced one by one.",
         sources.POSTGRES_SYNC),
)  # fmt: skip

# Comes with the operator's chart.
_CONFIGURATION: Final = (
    Rule("+", _NONE, "Settings of an operator, which reads them when it starts.", sources.POSTGRES_OPERATOR),
    Rule("-", _NONE, "Databases run on; an operator doesn't start without it.", sources.POSTGRES_OPERATOR),
    Rule("±", _NONE, "Databases run on; an operator that starts in between starts again.", sources.POSTGRES_OPERATOR),
    Rule("configuration.**", _ROLLING,
         "The operator restarts with it, and replaces databases' pods one after another where it concerns them.",
         sources.POSTGRES_OPERATOR),
)  # fmt: skip

POSTGRES: Final = {
    "acid.zalan.do/postgresql": Kind(_POSTGRESQL, holds_state=True),
    "acid.zalan.do/OperatorConfiguration": Kind(_CONFIGURATION),
}
