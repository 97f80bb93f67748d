//! Several addresses, balanced by tower.

use std::time::Duration;

use bytes::Bytes;
use framelink_transport::profile::Duplex;
use framelink_transport::tokio::Link;
use tokio::task::JoinSet;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, PendingRequestsDiscover};
use tower::{Service, ServiceExt};

use crate::client::{Driver, parts, profile};
use crate::host::{Does, Host};

/// Tower chooses two links at random and uses the one with fewer requests in flight. One link has a backup of its own.
pub(crate) async fn requests_are_balanced_over_the_links_of_several_addresses(_: Driver) {
    let quick = Does::EchoAfter(Duration::from_millis(2));
    let slow = Does::EchoAfter(Duration::from_millis(40));
    let hosts = [Host::start(quick).await, Host::start(quick).await, Host::start(slow).await];
    let dead = Host::stopped(quick).await;
    let profile = profile().exchange(Duplex::new().key("0:4".parse().unwrap()));
    // The primary of the second link is down, so its backup serves.
    let peers = [vec![hosts[0].name()], vec![dead.name(), hosts[1].name()], vec![hosts[2].name()]];
    let links = peers.map(|peers| Link::over(parts(&profile, peers).on_tokio()).unwrap().0);
    let list = PendingRequestsDiscover::new(ServiceList::new(links), CompleteOnResponse::default());
    let mut balance = Balance::new(list);
    let mut calls = JoinSet::new();
    for call in 0..600 {
        // A caller limits the number of requests at a time.
        if calls.len() >= 12 {
            calls.join_next().await.unwrap().unwrap();
        }
        let request = Bytes::from(format!("{call:04}"));
        let answer = balance.ready().await.unwrap().call(request.clone());
        calls.spawn(async move { assert_eq!(answer.await.unwrap()[..], request[..]) });
    }
    calls.join_all().await;
    let served = hosts.each_ref().map(|host| host.messages().len());
    println!("600 requests, balanced over two quick hosts and a slow one: {served:?}");
    assert_eq!(served.iter().sum::<usize>(), 600);
    assert!(served[0] > 150 && served[1] > 150 && served[2] > 5, "{served:?}");
    assert!(served[2] < served[0] / 2 && served[2] < served[1] / 2, "the slow host has fewer requests: {served:?}");
}
