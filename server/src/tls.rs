//! Encrypted connections, with a certificate that somebody has, or with one that the server makes for itself.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

/// Name of the file with a server's own certificate and key.
const OWN: &str = "self-signed.pem";

/// The certificate with which a server proves who it is.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    fingerprint: String,
}

/// Why connections cannot be encrypted.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read, or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A file has none of what it should have.
    #[error("{}: there is no {what} in it; it must be a PEM file, with lines like -----BEGIN {label}-----", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
        /// Certificate, or key.
        what: &'static str,
        /// As PEM says it.
        label: &'static str,
    },
    /// Certificate and key do not fit, or are of a kind that cannot be used.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// No certificate could be made.
    #[error("no certificate can be made: {0}")]
    Making(#[from] rcgen::Error),
}

impl Tls {
    /// A certificate, followed by those that vouch for it, and its key, as PEM files.
    ///
    /// # Errors
    /// They cannot be read, or do not fit.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .unwrap_or_default();
        if chain.is_empty() {
            return Err(TlsError::Empty {
                path: certificate.to_owned(),
                what: "certificate",
                label: "CERTIFICATE",
            });
        }
        let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| TlsError::Empty {
            path: key.to_owned(),
            what: "private key",
            label: "PRIVATE KEY",
        })?;
        Self::new(chain, key)
    }

    /// A certificate of the server's own for these names and addresses. It is kept in `folder`, if there is one: devices
    /// that have been told to trust it trust the server after a restart, too.
    ///
    /// # Errors
    /// The certificate cannot be made, kept, or read again.
    pub fn self_signed(names: Vec<String>, folder: Option<&Path>) -> Result<Self, TlsError> {
        let Some(folder) = folder else {
            let made = rcgen::generate_simple_self_signed(names)?;
            let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes());
            let key = key.map_err(|error| rustls::Error::General(error.to_string()))?;
            return Self::new(vec![made.cert.der().clone()], key);
        };
        let path = folder.join(OWN);
        if !path.exists() {
            let made = rcgen::generate_simple_self_signed(names)?;
            let text = made.cert.pem() + &made.signing_key.serialize_pem();
            keep(&path, &text).map_err(|error| TlsError::File {
                path: path.clone(),
                error,
            })?;
        }
        Self::from_files(&path, &path)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let fingerprint = chain.first().map(fingerprint).unwrap_or_default();
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            fingerprint,
        })
    }

    /// The certificate's SHA-256, as browsers show it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Begins to speak TLS. Whoever speaks plain HTTP instead is told so, in plain HTTP.
    pub(crate) async fn accept(
        &self,
        mut stream: TcpStream,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        use tokio::io::AsyncWriteExt as _;

        /// The first byte of everybody who speaks TLS.
        const HANDSHAKE: u8 = 22;
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first != [HANDSHAKE] {
            stream.write_all(NOT_ENCRYPTED.as_bytes()).await?;
            stream.shutdown().await?;
            return Err(ErrorKind::InvalidData.into());
        }
        self.acceptor.accept(stream).await
    }
}

const NOT_ENCRYPTED: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
    connection: close\r\n\r\nThis server encrypts: begin its address with https:// instead of http://.\n";

/// With nothing of the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let bytes = Sha256::digest(certificate);
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::File {
        path: path.to_owned(),
        error,
    })
}

/// Writes a file that only its owner can read, whole or not at all.
fn keep(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let unfinished = path.with_extension("new");
    options.open(&unfinished)?.write_all(text.as_bytes())?;
    fs::rename(unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["localhost".to_owned(), "192.168.1.5".to_owned()]
    }

    #[test]
    fn a_server_keeps_the_certificate_that_it_made() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("deep");
        let first = Tls::self_signed(names(), Some(&own)).unwrap();
        let again = Tls::self_signed(names(), Some(&own)).unwrap();
        assert_eq!(first.fingerprint(), again.fingerprint());
        assert_eq!(first.fingerprint().len(), 32 * 3 - 1);
        let other = Tls::self_signed(names(), None).unwrap();
        assert_ne!(first.fingerprint(), other.fingerprint());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let about = fs::metadata(own.join(OWN)).unwrap();
            assert_eq!(about.permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_wrong_with_files_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let [own, other] = ["own", "other"].map(|name| {
            Tls::self_signed(names(), Some(&folder.path().join(name))).unwrap();
            folder.path().join(name).join(OWN)
        });
        let said = |certificate: &Path, key: &Path| {
            Tls::from_files(certificate, key).unwrap_err().to_string()
        };
        let absent = folder.path().join("absent.pem");
        assert!(said(&absent, &own).contains("absent.pem: No such file"));
        let empty = folder.path().join("empty.pem");
        fs::write(&empty, "not PEM").unwrap();
        assert!(said(&empty, &own).contains("empty.pem: there is no certificate in it"));
        assert!(said(&own, &empty).contains("empty.pem: there is no private key in it"));

        let certificate = fs::read_to_string(&own).unwrap();
        let key = fs::read_to_string(&other).unwrap();
        let split = "-----BEGIN PRIVATE";
        let mixed = certificate.split_once(split).unwrap().0.to_owned();
        fs::write(&empty, mixed + split + key.split_once(split).unwrap().1).unwrap();
        assert!(said(&empty, &empty).contains("cannot be used"));
    }
}
