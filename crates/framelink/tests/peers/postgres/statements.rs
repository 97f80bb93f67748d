//! Statements and their results, directly and through a bridge.

use std::fmt::Write as _;

use framelink_testkit::ReservedPort;

use super::bridge;
use super::psql::Psql;
use super::server::Server;
use crate::common::Running;

/// Some hundred statements: results of all shapes, errors, transactions, COPY in both directions, and some megabytes.
fn statements() -> String {
    let mut all = String::from("create table t (id int primary key, said text, at timestamptz);\n\\d t\n");
    for id in 0..200 {
        let _ = writeln!(
            all,
            "insert into t values ({id}, repeat('x', {id}), '2026-01-01Z'::timestamptz + {id} * '1s'::interval);"
        );
    }
    for id in 0..50 {
        let _ = writeln!(
            all,
            "select * from t where id < {id} order by id;\nselect {id} / (id - {id}) from t where id >= {id};"
        );
    }
    all.push_str("begin; insert into t values (1000, null, null); rollback; select count(*) from t;\n");
    all.push_str("begin; select nonsense; select 1; commit;\nselect $1 \\bind 5 \\g\n");
    all.push_str("copy t (id, said) from stdin;\n");
    for id in 2000..12000 {
        let _ = writeln!(all, "{id}\tline {id} of many, with \\\\ and \\t");
    }
    all.push_str("\\.\ncopy (select id, said from t order by id) to stdout;\n");
    all.push_str("do $$ begin for i in 1..300 loop raise notice 'notice %', i; end loop; end $$;\n");
    all.push_str("select id, repeat(md5(id::text), 40) from generate_series(1, 3000) id;\n");
    all.push_str("select repeat('large', 1000000);\nselect '\\x00ff'::bytea, 1.5::numeric, null, array[1, 2], '{\"a\": 1}'::jsonb;\n");
    all.push_str("listen news; notify news, 'hello'; unlisten news;\ndrop table t;\n");
    all
}

#[test]
fn the_results_through_a_bridge_are_those_of_the_server() {
    let Some(server) = Server::start() else { return };
    let port = ReservedPort::new().expect("a free port");
    let bridge = bridge(port.address(), server.address());
    let statements = statements();
    let direct = server.psql().run(&statements);
    let passed = Psql::new(port.address()).run(&statements);
    assert_eq!((direct.code, passed.code), (Some(0), Some(0)));
    // The process that sent a notification has a number of its own.
    let compared = |text: &str| {
        let (before, after) = text.split_once("received from server process with PID ").expect("a notification");
        (before.to_owned(), after.trim_start_matches(|digit: char| digit.is_ascii_digit()).to_owned())
    };
    assert!(direct.stdout.len() > 9 << 20, "{} bytes are compared", direct.stdout.len());
    // They are too long to print.
    assert!(compared(&direct.stdout) == compared(&passed.stdout), "the results differ");
    assert_eq!(direct.stderr, passed.stderr);
    assert!(direct.stderr.contains("division by zero") && direct.stderr.contains("notice 300"));
    // Clients that do not ask for encryption, and those that insist on it.
    for (mode, code) in [("disable", Some(0)), ("allow", Some(0)), ("require", Some(2))] {
        let mut command = Psql::new(port.address()).command();
        let done = Running::run(command.args(["-c", "select 1"]).env("PGSSLMODE", mode));
        assert_eq!(done.code, code, "{mode}: {done:?}");
    }
    bridge.signal("TERM");
    let done = bridge.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stderr.contains("the peer closed the connection before the message of first step 5"),
        "{}",
        done.stderr
    );
}

/// psql sends a CancelRequest, which is a connection of its own, without asking for encryption first.
#[test]
fn a_cancelled_statement_ends_through_a_bridge() {
    let Some(server) = Server::start() else { return };
    let port = ReservedPort::new().expect("a free port");
    let mut bridge = bridge(port.address(), server.address());
    let psql = Running::start(Psql::new(port.address()).command().args(["-c", "select 'begun' from pg_sleep(600)"]));
    server.psql().rows(
        "do $$ begin
           while not exists (select from pg_stat_activity where query like 'select ''begun''%' and state = 'active') loop
             perform pg_sleep(0.01), pg_stat_clear_snapshot();
           end loop;
         end $$",
    );
    psql.signal("INT");
    let done = psql.finish();
    assert!(done.stderr.contains("canceling statement due to user request"), "{done:?}");
    bridge.log_line("closed after 0 messages to the host and 0 to the client");
    bridge.signal("TERM");
    assert_eq!(bridge.finish().code, Some(0));
}

/// The client's user and database reach the server: it refuses another user, by name.
#[test]
fn the_user_of_the_client_reaches_the_server() {
    let Some(server) = Server::start() else { return };
    let port = ReservedPort::new().expect("a free port");
    let _bridge = bridge(port.address(), server.address());
    let done = Running::run(Psql::new(port.address()).command().args(["-U", "ann", "-c", "select 1"]));
    assert!(done.stderr.contains("role \"ann\" does not exist"), "{done:?}");
    server.psql().rows("create role ann login; create database books");
    let rows = Running::run(Psql::new(port.address()).command().args([
        "-U",
        "ann",
        "-d",
        "books",
        "-Atc",
        "select current_user, current_database()",
    ]));
    assert_eq!((rows.stdout.as_str(), rows.code), ("ann|books\n", Some(0)), "{rows:?}");
}
