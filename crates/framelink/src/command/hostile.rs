//! `framelink hostile`: runs a peer that misbehaves on purpose.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use framelink_template::{Inputs, NumberRange, Numbers};
use framelink_testkit::{Event, Hostile as Peer, HostileBuilder, StartError};
use framelink_transport::heartbeat::{Role, Seen};
use framelink_transport::{Framing, Heartbeat};
use tokio::sync::mpsc;

use crate::arguments::liveness::Liveness;
use crate::arguments::values::with_zone;
use crate::arguments::{Hostile, tell};
use crate::failure::Failure;
use crate::output::say_listening;
use crate::server::drain::Signals;
use crate::threads::on_thread;

pub(crate) async fn run(hostile: Hostile) -> Result<(), Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::fault(format!("listening for signals: {error}")))?;
    let liveness = Liveness { heartbeat: hostile.heartbeat.clone(), keepalive: None };
    liveness.check(hostile.framing.into(), "--heartbeat")?;
    let (sender, mut ended) = mpsc::unbounded_channel();
    let builder = told(&hostile)?.on_event(move |peer, event| {
        tracing::info!("{peer}: {event}");
        if matches!(event, Event::Ended { .. }) {
            let _ = sender.send(());
        }
    });
    let is_client = hostile.to.is_some();
    // Looking up a name and connecting block the thread.
    let mut starting = pin!(on_thread(move || start(&hostile, builder)));
    let peer = tokio::select! {
        started = &mut starting => started??,
        () = signals.next() => return Ok(()),
    };
    if !is_client {
        let address = peer.local_addr();
        say_listening(&address, format_args!("listening on {address}"))?;
    }
    tokio::select! {
        () = signals.next() => {}
        _ = ended.recv(), if is_client => {}
    }
    on_thread(|| peer.stop()).await.map(drop)
}

/// Returns a builder with all options set.
fn told(hostile: &Hostile) -> Result<HostileBuilder<Framing>, Failure> {
    let mut builder = Peer::builder(hostile.framing, hostile.fault).seed(hostile.seed);
    tell! { builder:
        hostile.delay => delay,
        hostile.cut_at => cut_at,
        hostile.count => count,
    }
    if let Some(keepalive) = hostile.keepalive {
        builder = builder.prepare(move |stream| keepalive.set_on(stream));
    }
    match &hostile.heartbeat {
        Some(heartbeat) => living(builder, heartbeat, if hostile.to.is_some() { Role::Client } else { Role::Server }),
        None => Ok(builder),
    }
}

/// Adds heartbeats, which are sent and answered while the fault allows the peer to receive.
fn living(
    builder: HostileBuilder<Framing>,
    heartbeat: &Arc<Heartbeat>,
    us: Role,
) -> Result<HostileBuilder<Framing>, Failure> {
    let (form, beats) = (heartbeat.form(), heartbeat.sent_by().is(us));
    let known = form.clone();
    // Its heartbeats are always the same, so that they have the number 1.
    let numbers = Numbers::over(NumberRange::from_1_to(1));
    let beat = form.compose_probe(1, Duration::ZERO, b"", &Inputs::system(&numbers));
    let beat = beat.map_err(|error| Failure::usage(format!("--heartbeat: {error}")))?;
    let sent = beats.then(|| beat.clone());
    let builder = builder.heartbeats(move |message| match known.recognise_after(message, sent.as_deref())? {
        Seen::Probe => Some(known.compose_answer(message, &Inputs::system(&numbers)).ok().flatten()),
        // A peer that sends heartbeats itself takes this one as the answer to its own.
        Seen::Either if !beats => Some(known.answer(message)),
        _ => Some(None),
    });
    match beats {
        true => Ok(builder.beat(heartbeat.times().0, &beat)),
        false => Ok(builder),
    }
}

fn start(hostile: &Hostile, builder: HostileBuilder<Framing>) -> Result<Peer, Failure> {
    // clap requires one of the two.
    let address = hostile.listen.as_deref().or(hostile.to.as_deref()).unwrap_or_default();
    let zoned = with_zone(address).map_err(|error| Failure::fault(format!("resolving {address}: {error}")))?;
    let started = if hostile.listen.is_some() { builder.listen(&*zoned) } else { builder.dial(&*zoned) };
    started.map_err(|error| match error {
        StartError::Listen(error) => Failure::fault(format!("listening on {address}: {error}")),
        StartError::Dial(error) => Failure::fault(format!("connecting to {address}: {error}")),
        unfit => Failure::usage(format!("--framing {} and --fault {unfit}", hostile.framing)),
    })
}
