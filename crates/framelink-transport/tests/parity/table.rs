//! The table of drivers in the book, compared with code that uses each promised feature. The code is compiled and never
//! run.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use framelink_transport::session::{Concurrency, Matching};
use framelink_transport::{FramingPair, Message, Profile, Registry, blocking, nonblocking, tokio};

/// Adds a row of the table, with a closure that uses the feature with the types of a program.
macro_rules! has {
    ($rows:ident, $row:literal, $($use:expr),+) => {{ $(let _ = $use;)+ $rows.insert($row); }};
}

type Rows = BTreeSet<&'static str>;

fn failing(_: Message) -> Result<Option<Vec<u8>>, &'static str> {
    Err("the host is gone")
}

async fn failing_later(message: Message) -> Result<Option<Vec<u8>>, &'static str> {
    failing(message)
}

fn of_blocking() -> Rows {
    use blocking::{
        Caller, Client, Connection, Connector, Link, Links, Listener, Pool, RecvHalf, SendHalf, Server, Upstream,
    };
    use std::net::TcpStream;
    let mut rows = Rows::new();
    has!(
        rows,
        "connect, accept, send, receive, call",
        |connector: &Connector, listener: &mut Listener| {
            let _ = (connector.connect("host:7000"), listener.accept());
        },
        |connection: &mut Connection, within: Duration| {
            let _ = (connection.send(b""), connection.recv_within(within), connection.call(b"", within));
        }
    );
    has!(
        rows,
        "addresses of one name are raced (`Connector::connect`)",
        |connector: &Connector, all: &[SocketAddr]| connector.connect(all)
    );
    has!(rows, "two halves of a connection (`split`)", Connection::<FramingPair>::split);
    has!(
        rows,
        "a half alone (`RecvHalf::new`, `SendHalf::new`)",
        |one: TcpStream, other: TcpStream, framing: FramingPair| {
            let _ = (RecvHalf::<FramingPair, _>::new(one, framing), SendHalf::<FramingPair, _>::new(other, framing));
        }
    );
    has!(
        rows,
        "many calls in flight (`duplex`), on two connections (`simplex`)",
        |one: Connection, matching: Matching| {
            let _: Caller = one.duplex(matching).0;
        },
        |one: Connection, other: Connection, matching: Matching| {
            let _: Caller = one.simplex(other, matching).0;
        }
    );
    has!(rows, "`serve` with handlers that can fail", |connection: Connection, profile: &Profile| connection
        .serve(profile, failing));
    has!(rows, "`serve_many`", |connection: Connection, profile: &Profile, concurrency: Concurrency| {
        connection.serve_many(profile, concurrency, failing)
    });
    has!(rows, "`Registry`, which pushes", |connection: &mut Connection, registry: &Registry| connection
        .join(registry));
    has!(rows, "`Listener::limited_by`", |listener: Listener, profile: &Profile| listener.limited_by(profile));
    has!(rows, "`Client`", |client: &mut Client| client.call(b""));
    has!(rows, "`Upstream`, `Upstream::dial`", |upstream: &Upstream| upstream.dial());
    has!(rows, "`Upstream::states`", Upstream::states);
    has!(rows, "`Link`", |link: &Link| link.call(b""));
    has!(rows, "`Links`, `Link::simplex`", |links: &Links, profile: Profile| {
        let _ = (links.call("host:7000", b""), Link::simplex(profile, "host:7000", "host:7001"));
    });
    has!(rows, "a `Client` whose connection is kept up (`keep-up`)", |upstream: Upstream| {
        assert!(upstream.profile().keep_up());
        Client::over(upstream)
    });
    has!(rows, "a `Link` whose connections are kept up, `Link::status`", Link::status);
    has!(rows, "`Pool`", |pool: &Pool| pool.get());
    has!(
        rows,
        "`Server`, `Server::run_with_peer`",
        |profile: &std::sync::Arc<Profile>| Server::bind("host:7000", profile),
        |server: Server| server.run_with_peer(|message, _| failing(message))
    );
    rows
}

fn of_nonblocking() -> Rows {
    use mio::net::TcpStream;
    use nonblocking::{Client, Connection, Connector, Duplex, Listener, RecvHalf, SendHalf, Served, Upstream};
    let mut rows = Rows::new();
    has!(
        rows,
        "connect, accept, send, receive, call",
        |connector: &Connector, listener: &mut Listener| {
            let _ = (connector.connect("host:7000"), listener.try_accept());
        },
        |connection: &mut Connection, within: Duration| {
            let _ = (connection.try_send(b""), connection.try_recv(), connection.try_call(b"", within));
        }
    );
    has!(
        rows,
        "addresses of one name are raced (`Connector::connect`)",
        |connector: &Connector, all: &[SocketAddr]| connector.connect(all)
    );
    has!(rows, "two halves of a connection (`split`)", Connection::<FramingPair>::split);
    has!(
        rows,
        "a half alone (`RecvHalf::new`, `SendHalf::new`)",
        |one: TcpStream, other: TcpStream, framing: FramingPair| {
            let _ = (RecvHalf::<FramingPair, _>::new(one, framing), SendHalf::<FramingPair, _>::new(other, framing));
        }
    );
    has!(
        rows,
        "many calls in flight (`duplex`), on two connections (`simplex`)",
        |one: Connection, matching: Matching| {
            let _: Duplex = one.duplex(matching);
        },
        |one: Connection, other: Connection, matching: Matching| {
            let _: Duplex = one.simplex(other, matching);
        }
    );
    has!(rows, "`serve` with handlers that can fail", |connection: Connection, profile: &Profile| connection
        .serve(profile, failing));
    has!(rows, "`serve_many`", |connection: Connection, profile: &Profile, concurrency: Concurrency| {
        let _: Served = connection.serve_many(profile, concurrency);
    });
    has!(rows, "`Registry`, which pushes", |connection: &mut Connection, registry: &Registry| connection
        .join(registry));
    has!(rows, "`Listener::limited_by`", |listener: Listener, profile: &Profile| listener.limited_by(profile));
    has!(rows, "`Client`", |client: &mut Client| client.call(b""));
    has!(rows, "`Upstream`, `Upstream::dial`", |upstream: &Upstream| upstream.dial());
    has!(rows, "`Upstream::states`", Upstream::states);
    has!(rows, "a `Client` whose connection is kept up (`keep-up`)", Client::maintain);
    rows
}

fn of_tokio() -> Rows {
    use ::tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
    use tokio::{
        Caller, Client, Connection, Connector, Link, Links, Listener, Pool, RecvHalf, SendHalf, Server, Upstream,
    };
    let mut rows = Rows::new();
    has!(
        rows,
        "connect, accept, send, receive, call",
        async |connector: &Connector, listener: &mut Listener| {
            let _ = (connector.connect("host:7000").await, listener.accept().await);
        },
        async |connection: &mut Connection, within: Duration| {
            let _ =
                (connection.send(b"").await, connection.recv_within(within).await, connection.call(b"", within).await);
        }
    );
    has!(
        rows,
        "addresses of one name are raced (`Connector::connect`)",
        async |connector: &Connector, all: &[SocketAddr]| { connector.connect(all).await }
    );
    has!(rows, "two halves of a connection (`split`)", Connection::<FramingPair>::split);
    has!(
        rows,
        "a half alone (`RecvHalf::new`, `SendHalf::new`)",
        |one: OwnedReadHalf, other: OwnedWriteHalf, framing: FramingPair| {
            let _ = (RecvHalf::<FramingPair, _>::new(one, framing), SendHalf::<FramingPair, _>::new(other, framing));
        }
    );
    has!(
        rows,
        "many calls in flight (`duplex`), on two connections (`simplex`)",
        |one: Connection, matching: Matching| {
            let _: Caller = one.duplex(matching).0;
        },
        |one: Connection, other: Connection, matching: Matching| {
            let _: Caller = one.simplex(other, matching).0;
        }
    );
    has!(rows, "`serve` with handlers that can fail", async |connection: Connection, profile: &Profile| {
        connection.serve(profile, failing_later).await
    });
    has!(rows, "`serve_many`", async |connection: Connection, profile: &Profile, concurrency: Concurrency| {
        connection.serve_many(profile, concurrency, failing_later).await
    });
    has!(rows, "`Registry`, which pushes", |connection: &mut Connection, registry: &Registry| connection
        .join(registry));
    has!(rows, "`Listener::limited_by`", |listener: Listener, profile: &Profile| listener.limited_by(profile));
    has!(rows, "`Client`", async |client: &mut Client| client.call(b"").await);
    has!(rows, "`Upstream`, `Upstream::dial`", async |upstream: &Upstream| upstream.dial().await);
    has!(rows, "`Upstream::states`", Upstream::states);
    has!(rows, "`Link`", async |link: &Link| link.call(b"").await);
    has!(rows, "a `Client` whose connection is kept up (`keep-up`)", |upstream: Upstream| {
        assert!(upstream.profile().keep_up());
        Client::over(upstream)
    });
    has!(rows, "a `Link` whose connections are kept up, `Link::status`", Link::status);
    has!(rows, "`Links`, `Link::simplex`", async |links: &Links, profile: Profile| {
        let _ = (links.call("host:7000", b"").await, Link::simplex(profile, "host:7000", "host:7001").await);
    });
    has!(rows, "`Pool`", async |pool: &Pool| pool.get().await);
    has!(
        rows,
        "`Server`, `Server::run_with_peer`",
        async |profile: &std::sync::Arc<Profile>| Server::bind("host:7000", profile).await,
        |server: Server| server.run_with_peer(|message, _| failing_later(message))
    );
    rows
}

#[test]
fn the_table_of_drivers_in_the_book_agrees_with_the_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/crates/transport.md");
    // The package on the registry does not contain the book.
    let Ok(page) = fs::read_to_string(page) else { return };
    let table =
        page.split("| has | `blocking` | `nonblocking` | `tokio` |").nth(1).expect("a table of what drivers have");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut promised = [Rows::new(), Rows::new(), Rows::new()];
    let mut cells = 0;
    for row in rows {
        let words: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(words.len(), 4, "{row}");
        for (driver, word) in promised.iter_mut().zip(&words[1..]) {
            assert!(["yes", "no"].contains(word), "{row}");
            cells += 1;
            if *word == "yes" {
                driver.insert(words[0]);
            }
        }
    }
    assert_eq!(promised, [of_blocking(), of_nonblocking(), of_tokio()]);
    assert!(cells >= 45, "{cells} cells");
}
