# SPDX-License-Identifier: MIT
"""What may stand between ebsfs and a server: a relay on loopback that keeps what the client said; with TLS, or as a proxy."""
import re
import socket
import ssl
import threading


class Front:
    """Relays each connection to target, a port on 127.0.0.1. context: an ssl.SSLContext, and the client speaks TLS. proxy: the
    client first says CONNECT host:port, which is kept in .connects; every host leads to target."""

    def __init__(self, test, target, context=None, proxy=False):
        self.target, self.context, self.proxy = target, context, proxy
        self.lock = threading.Lock()
        self.raw, self.plain, self.connects, self.accepted = [], [], [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        test.closers.append(self.close)

    def close(self):
        self.listener.close()

    def requests(self):
        """(head, body) of each request that came, in the order of the connections."""
        out = []
        with self.lock:
            streams = [b"".join(parts) for parts in self.plain]
        for data in streams:
            while data:
                head, _, rest = data.partition(b"\r\n\r\n")
                length = re.search(rb"content-length: *(\d+)", head, re.I)
                size = int(length[1]) if length else 0
                out.append((head.decode(), rest[:size].decode()))
                data = rest[size:]
        return out

    def everything(self):
        """All bytes that clients sent, as they came over the wire."""
        with self.lock:
            return b"".join(b"".join(parts) for parts in self.raw)

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client):
        raw, plain = [], []
        with self.lock:
            self.accepted += 1
            self.raw.append(raw)
            self.plain.append(plain)
        try:
            if self.proxy:
                client = self._connect(client, raw)
            if self.context:
                client = self._handshake(client, raw)
            server = socket.create_connection(("127.0.0.1", self.target))
        except (OSError, ValueError):
            client.close()
            return
        back = threading.Thread(target=self._pump, args=(server, client, None), daemon=True)
        back.start()
        self._pump(client, server, plain)
        back.join()
        client.close()
        server.close()

    def _connect(self, client, raw):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(4096)
            if not data:
                raise OSError("the client went away")
            head += data
        raw.append(head)
        found = re.match(rb"CONNECT (\S+) HTTP/1\.1\r\n", head)
        with self.lock:
            self.connects.append(found[1].decode() if found else head.split(b"\r\n")[0].decode())
        if not found:
            raise OSError("no CONNECT")
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return client

    def _handshake(self, client, raw):
        """By hand, to see the bytes themselves; a failure is told to the client as TLS wants it."""
        return Tls(self.context, client, raw)

    def _pump(self, source, sink, record):
        try:
            while data := source.recv(65536):
                if record is not None:
                    with self.lock:
                        record.append(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Tls:
    """The server's side of TLS over a socket, with the client's raw bytes kept."""

    def __init__(self, context, sock, raw):
        self.sock, self.raw, self.lock = sock, raw, threading.Lock()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self._do(self.tls.do_handshake)

    def _do(self, step):
        while True:
            with self.lock:
                try:
                    result, wants = step(), False
                except ssl.SSLWantReadError:
                    result, wants = None, True
                finally:
                    data = self.outgoing.read()
                    if data:
                        self.sock.sendall(data)
            if not wants:
                return result
            data = self.sock.recv(65536)
            self.raw.append(data)
            with self.lock:
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()

    def recv(self, size):
        try:
            return self._do(lambda: self.tls.read(size))
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b""

    def sendall(self, data):
        while data:
            data = data[self._do(lambda: self.tls.write(data)):]

    def shutdown(self, how):
        self.sock.shutdown(how)

    def close(self):
        self.sock.close()
