//! The bodies of the fuzz targets, as functions that tests also run. They panic if an invariant does not hold.

#[cfg(feature = "socket")]
mod admission;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod lending;
#[cfg(all(feature = "blocking", feature = "nonblocking", feature = "tokio"))]
mod progress;
#[cfg(feature = "socket")]
mod proxy_header;
#[cfg(feature = "tls")]
mod tls;
mod upstream;

#[cfg(feature = "socket")]
pub use admission::admission;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use lending::lending;
#[cfg(all(feature = "blocking", feature = "nonblocking", feature = "tokio"))]
pub use progress::progress;
#[cfg(feature = "socket")]
pub use proxy_header::proxy_header;
#[cfg(feature = "tls")]
pub use tls::tls;
pub use upstream::upstream;
