"""Stand-ins for the official Pulumi plugins, for machines that can't download those."""
