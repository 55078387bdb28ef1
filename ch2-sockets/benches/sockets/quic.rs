//! quinn as the peer: QUIC, which also encrypts every datagram; sessions here do not.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::support::child_server::ChildServer;
use quinn::rustls::RootCertStore;
use quinn::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use quinn::{ClientConfig, Endpoint, MtuDiscoveryConfig, ServerConfig, TransportConfig, VarInt};

use super::meter::{DATAGRAM, MESSAGE, Meter};

/// As much in flight as it likes: the default is meant for 100 Mbit/s at 100 ms.
const WINDOW: u32 = 8 << 20;

/// Serves until it is killed: a byte for every stream that has come to its end.
///
/// # Errors
/// What the system refuses.
pub fn serve() -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".into()])?;
        let key = PrivatePkcs8KeyDer::from(pair.signing_key.serialize_der());
        let certificate = pair.cert.der().clone();
        let mut config = ServerConfig::with_single_cert(vec![certificate.clone()], key.into())?;
        config.transport_config(Arc::new(transport()));
        let endpoint = Endpoint::server(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        println!("LISTENING {}", endpoint.local_addr()?);
        println!("{}", STANDARD.encode(&certificate));
        while let Some(incoming) = endpoint.accept().await {
            let connection = incoming.await?;
            tokio::spawn(async move {
                while let Ok((mut answer, mut message)) = connection.accept_bi().await {
                    while let Ok(Some(_)) = message.read_chunk(usize::MAX, true).await {}
                    let _ = answer.write_all(b"0").await;
                    let _ = answer.finish();
                }
            });
        }
        Ok(())
    })
}

/// Sends message after message for so long, and tells how many bytes per second were answered for.
///
/// # Errors
/// What the connection says.
pub fn send(server: &mut ChildServer, time: Duration) -> anyhow::Result<f64> {
    let certificate = CertificateDer::from(
        STANDARD.decode(server.process.next_line(Duration::from_secs(10)).context("no certificate")?)?,
    );
    runtime()?.block_on(async {
        let mut roots = RootCertStore::empty();
        roots.add(certificate)?;
        let mut config = ClientConfig::with_root_certificates(Arc::new(roots))?;
        config.transport_config(Arc::new(transport()));
        let mut endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        endpoint.set_default_client_config(config);
        let connection = endpoint.connect(server.address, "localhost")?.await?;
        let message = vec![b'x'; MESSAGE];
        let mut meter = Meter::new(time);
        while meter.goes_on() {
            let (mut send, mut receive) = connection.open_bi().await?;
            send.write_all(&message).await?;
            send.finish()?;
            receive.read_to_end(1).await.context("no answer")?;
            meter.delivered(MESSAGE);
        }
        Ok(meter.per_s())
    })
}

/// The same datagrams as ours.
fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    let mut discovery = MtuDiscoveryConfig::default();
    discovery.upper_bound(DATAGRAM as u16);
    transport.initial_mtu(DATAGRAM as u16).min_mtu(DATAGRAM as u16).mtu_discovery_config(Some(discovery));
    transport.stream_receive_window(VarInt::from_u32(WINDOW)).receive_window(VarInt::from_u32(WINDOW));
    transport.send_window(u64::from(WINDOW));
    transport
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
