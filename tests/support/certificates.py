"""Self-signed certificates."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


def write_certificate(directory: Path, *names: str) -> None:
    """For each name, NAME.pem with the certificate of all and its key, and the key in NAME.key."""
    key = generate_private_key(SECP256R1())
    certificate = _certificate(key, list(map(x509.DNSName, names)), datetime.now(UTC) + timedelta(days=1))
    for name in names:
        (directory / f"{name}.pem").write_bytes(certificate + _private(key))
        (directory / f"{name}.key").write_bytes(_private(key))


def loopback_certificate(directory: Path, ends_at: datetime) -> Path:
    """A file with a key and a certificate of 127.0.0.1, which a client that trusts it finds valid until then."""
    key = generate_private_key(SECP256R1())
    path = directory / "loopback.pem"
    path.write_bytes(_private(key) + _certificate(key, [x509.IPAddress(ip_address(LOOPBACK))], ends_at))
    return path


def _certificate(key: EllipticCurvePrivateKey, names: list[x509.GeneralName], ends_at: datetime) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(names[0].value))])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(min(ends_at, datetime.now(UTC)) - timedelta(days=1))
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def _private(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
