//! TLS 1.2 and 1.3 for connections of every driver, with [rustls].
//!
//! Give a [`ClientTls`] to a [`Connector`](crate::Connector::tls), or a [`ServerTls`] to a listener or a server. Both are
//! made from a configuration of rustls, which decides about certificates, versions and ALPN. Verification is what that
//! configuration says.
//!
//! ```
//! # #[cfg(feature = "blocking")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use std::time::Duration;
//! use framelink_transport::blocking::{Connector, Listener};
//! use framelink_transport::tls::{ClientTls, ServerTls, rustls};
//! use framelink_transport::Framing;
//! use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
//!
//! // A certificate for this example. Programs read theirs from files.
//! let made = rcgen::generate_simple_self_signed(["switch.example".to_owned()])?;
//! let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
//! let provider = Arc::new(rustls::crypto::ring::default_provider());
//! let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
//!     .with_safe_default_protocol_versions()?
//!     .with_no_client_auth()
//!     .with_single_cert(vec![made.cert.der().clone()], key)?;
//! let mut roots = rustls::RootCertStore::empty();
//! roots.add(made.cert.der().clone())?;
//! let client = rustls::ClientConfig::builder_with_provider(provider)
//!     .with_safe_default_protocol_versions()?
//!     .with_root_certificates(roots)
//!     .with_no_client_auth();
//!
//! let framing: Framing = "ascii:4".parse()?;
//! let mut listener = Listener::bind("127.0.0.1:0", framing)?.tls(ServerTls::new(server));
//! let address = listener.local_addr()?;
//! let echo = std::thread::spawn(move || {
//!     let mut connection = listener.accept().unwrap().unwrap();
//!     let message = connection.recv().unwrap().unwrap(); // the handshake is a part of the first operation
//!     connection.send(&message).unwrap();
//!     connection.close(Duration::from_secs(1)).unwrap();
//! });
//!
//! let connector = Connector::new(framing).tls(ClientTls::new(client, "switch.example".try_into()?));
//! let mut connection = connector.connect(address)?; // the handshake is a part of connecting
//! assert_eq!(&connection.call(b"hello", Duration::from_secs(5))?[..], b"hello");
//! let facts = connection.tls().expect("the handshake is over");
//! assert_eq!(facts.version, "TLSv1.3");
//! assert_eq!(facts.peer.unwrap().dns_names(), ["switch.example"]);
//! # echo.join().unwrap();
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "blocking"))]
//! # fn main() {}
//! ```
//!
//! # What is sent when
//!
//! - A message counts as sent when the socket has taken the last TLS record that holds a part of it. A record holds up to
//!   16 KiB of messages.
//! - Shutting down writing sends `close_notify` first, and the peer can go on sending.
//! - A peer that closes the connection without `close_notify` may have been cut off by someone else. If the close ends a
//!   message (`until-close`), that is an error. For other framings it is a close, and [`TlsFacts::end`] tells it from an
//!   orderly one.

mod certificate;
mod config;
mod facts;
mod files;
mod reader;
mod setup;
mod shared;
#[cfg(test)]
mod tests;
mod writer;

pub use rustls;

pub use crate::error::TlsError;

pub use certificate::PeerCertificate;
pub use config::{ClientTls, ServerTls};
pub use facts::{TlsEnd, TlsFacts};
pub use files::explain_files;

pub(crate) use reader::TlsReader;
pub(crate) use setup::TlsSetup;
pub(crate) use writer::TlsWriter;

/// The halves of the TLS state, in memory of their own: most connections have none.
pub(crate) type ReaderBox = Box<TlsReader>;
pub(crate) type WriterBox = Box<TlsWriter>;
