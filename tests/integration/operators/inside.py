"""Process of a fresh network namespace: brings loopback up, hands out a listening socket, becomes the command.

Arguments: the descriptor to hand the socket to, the port to listen on, the command.
"""

import os
import socket
import subprocess
import sys

if __name__ == "__main__":
    channel, port, *command = sys.argv[1:]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with socket.socket(fileno=int(channel)) as outside, socket.create_server(("127.0.0.1", int(port))) as listener:
        socket.send_fds(outside, [b"+"], [listener.fileno()])
    os.execvp(command[0], command)  # noqa: S606 - the command is the test's own
