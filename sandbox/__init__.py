"""The sandbox: a real control plane and a real engine on this machine, without Docker or a cloud."""
