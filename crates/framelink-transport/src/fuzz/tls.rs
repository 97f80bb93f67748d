//! The TLS layer, with bytes of a stranger.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::tls::{ClientTls, ServerTls, TlsError};

/// Passes random bytes to a client or a server, in pieces, as the peer's side of the handshake. Nothing is delivered before
/// the handshake is over, an error stays, what is to be sent is bounded, and no call loops.
///
/// # Panics
/// If an invariant does not hold.
pub fn tls(data: &[u8]) {
    let Some((&[side, piece], bytes)) = data.split_first_chunk() else { return };
    let (mut reader, mut writer) = match side % 2 {
        0 => configs().0.begin(None),
        _ => configs().1.begin(),
    };
    let (mut sent, mut rest, mut failed) = (0, bytes, None::<TlsError>);
    // Each call uses bytes, or finds that there are no more.
    for _ in 0..bytes.len() + 2 {
        let flushed = writer.flush(|records| {
            sent += records.len();
            Ok(records.len())
        });
        assert!(flushed.is_ok(), "writing to memory succeeds");
        let read = reader.read(&mut [0; 64], |space| {
            let count = rest.len().min(space.len()).min(usize::from(piece) + 1);
            if count == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let (now, later) = rest.split_at(count);
            space[..count].copy_from_slice(now);
            rest = later;
            Ok(count)
        });
        let error = read.expect_err("nothing is delivered before the handshake is over");
        match (TlsError::in_io(&error), &failed) {
            (Some(error), Some(before)) => assert_eq!(error.to_string(), before.to_string(), "an error stays"),
            (Some(error), None) => failed = Some(error.clone()),
            (None, before) => assert!(before.is_none(), "an error stays"),
        }
    }
    assert!(rest.is_empty() || failed.is_some());
    assert!(reader.handshake_until().is_some());
    assert!(sent < 16 * 1024 + 4 * bytes.len(), "{sent} bytes are sent for {}", bytes.len());
}

/// Has no certificate, so that no handshake succeeds.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesServerCert for NoCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

fn configs() -> &'static (ClientTls, ServerTls) {
    static CONFIGS: OnceLock<(ClientTls, ServerTls)> = OnceLock::new();
    CONFIGS.get_or_init(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let client = client.expect("versions").with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let server = server.expect("versions").with_no_client_auth().with_cert_resolver(Arc::new(NoCertificate));
        let client = ClientTls::new(client, "switch.example".try_into().expect("a name"));
        (client, ServerTls::new(server).handshake_within(Duration::MAX))
    })
}
