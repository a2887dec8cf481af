# SPDX-License-Identifier: MIT
"""Certificates made for one test, by openssl."""
import os
import ssl
import subprocess
import warnings


class Authority:
    """A CA of its own; .file is its certificate."""

    def __init__(self, test, name="ca"):
        test.need("openssl")
        self.dir = test.path(name)
        os.makedirs(self.dir)
        self.file, self.key, self.count = self._path("ca.pem"), self._path("ca.key"), 0
        self._openssl("req", "-x509", *self._new(self.key), "-out", self.file, "-days", "2", "-subj", f"/CN={name} of a test",
                      "-addext", "basicConstraints=critical,CA:TRUE")

    def _path(self, name):
        return os.path.join(self.dir, name)

    @staticmethod
    def _openssl(*args):
        subprocess.run(["openssl", *args], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    @staticmethod
    def _new(key):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key

    def server(self, *names, days=2, self_signed=False, version=None):
        """The server's SSLContext, with a certificate for these names ("DNS:x", "IP:1.2.3.4"). days=-1: it has expired. version: the
        only one that is spoken."""
        self.count += 1
        key, request, cert, extra = (self._path(f"{self.count}.{end}") for end in ("key", "csr", "pem", "ext"))
        self._openssl("req", *self._new(key), "-new", "-out", request, "-subj", "/CN=a server of a test")
        with open(extra, "w") as f:
            f.write(f"subjectAltName={','.join(names)}\n")
        signer = ["-signkey", key] if self_signed else ["-CA", self.file, "-CAkey", self.key, "-CAcreateserial"]
        self._openssl("x509", "-req", "-in", request, *signer, "-days", str(days), "-extfile", extra, "-out", cert)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        if version:
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the version is as old as the test wants it
                context.minimum_version = context.maximum_version = version
        return context
