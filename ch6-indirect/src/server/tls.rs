//! TLS below a conversation, with `rustls`: neither the broker nor a model knows of it.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use common::core::conversation::Layer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

/// What a server proves itself with.
///
/// # Errors
/// A file cannot be read, has no certificate or no key, or the two do not belong together.
pub fn configuration(certificate: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let read = |file: &Path| format!("cannot read {}", file.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| read(certificate))?;
    ensure!(!chain.is_empty(), "{} has no certificate in it", certificate.display());
    let secret = PrivateKeyDer::from_pem_file(key).with_context(|| read(key))?;
    let configuration = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .with_context(|| format!("{} does not fit to {}", key.display(), certificate.display()))?;
    Ok(Arc::new(configuration))
}

/// TLS for one connection.
pub struct Tls {
    connection: ServerConnection,
    has_ended: bool,
}

impl Tls {
    /// For a connection that has just come.
    #[must_use]
    pub fn new(configuration: &Arc<ServerConfig>) -> Tls {
        let connection = ServerConnection::new(Arc::clone(configuration))
            .expect("the configuration was made by rustls, and has nothing of its own");
        Tls { connection, has_ended: false }
    }
}

impl Layer for Tls {
    fn handle_bytes(&mut self, mut bytes: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.connection.read_tls(&mut bytes)? == 0 {
                return Err(io::Error::other("bytes after the end"));
            }
            let state = self.connection.process_new_packets().map_err(io::Error::other)?;
            self.has_ended |= state.peer_has_closed();
            let before = plain.len();
            plain.resize(before + state.plaintext_bytes_to_read(), 0);
            self.connection.reader().read_exact(&mut plain[before..])?;
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn seal(&mut self, plain: &[u8]) -> io::Result<usize> {
        if self.connection.is_handshaking() {
            return Ok(0);
        }
        self.connection.writer().write(plain)
    }

    fn close(&mut self) {
        self.connection.send_close_notify();
    }

    fn poll_transmit(&mut self, sealed: &mut Vec<u8>) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(sealed)?;
        }
        Ok(())
    }
}
