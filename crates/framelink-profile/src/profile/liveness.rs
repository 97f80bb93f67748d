//! How soon a dead peer is detected, and which settings work against that.

use std::time::Duration;

use framelink_codec::notation::ShowDuration;
use framelink_codec::{Decode, Encode, Ends};
use framelink_heartbeat::{Form, Heartbeat, Life, Role};

use super::{ExchangeKind, Profile, ProfileError, Side, Timeouts};
use crate::framing::Framing;
use crate::socket::Keepalive;

type Checked = Result<(), ProfileError>;

impl Side {
    /// Returns the role of this side in heartbeats.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Client => Role::Client,
            Self::Server => Role::Server,
        }
    }
}

impl Profile {
    /// Returns how soon this side detects that an idle peer is gone, by heartbeats or keepalive. `None`: never. During
    /// a call, the deadline of the call applies.
    ///
    /// ```
    /// use std::time::Duration;
    /// use framelink_profile::{Framing, Profile, Side};
    ///
    /// let profile = Profile::builder("ascii:4".parse::<Framing>()?)
    ///     .heartbeat("empty,interval=30s,timeout=10s".parse()?)
    ///     .keepalive("60s/10s/6".parse()?)
    ///     .build()?;
    /// assert_eq!(profile.detection_bound(Side::Client), Some(Duration::from_secs(40)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn detection_bound(&self, side: Side) -> Option<Duration> {
        let by_heartbeat = self.heartbeat.as_ref().and_then(|heartbeat| heartbeat.detection_bound(side.role()));
        let by_keepalive = self.socket.keepalive.and_then(|keepalive| told_by_system(keepalive).detection_bound());
        [by_heartbeat, by_keepalive].into_iter().flatten().min()
    }
}

/// Fills in the times of the system, which is asked only if some are missing.
fn told_by_system(keepalive: Keepalive) -> Keepalive {
    #[cfg(feature = "socket")]
    if keepalive.detection_bound().is_none() {
        return Keepalive::of_system().map_or(keepalive, |system| keepalive.or(system));
    }
    keepalive
}

/// Checks that heartbeats can be told from messages, sent, and received.
pub(super) fn check(profile: &Profile) -> Checked {
    let Some(heartbeat) = &profile.heartbeat else { return Ok(()) };
    if profile.connection.short().is_some() {
        let reason = "a short connection has one exchange and ends, so there is nothing to keep alive; use a long one";
        return Err(ProfileError::combination(KEY, "connection", reason));
    }
    let framing = &profile.framing;
    for framing in [&framing.send, &framing.receive] {
        has_boundaries(framing)?;
        can_carry(framing, heartbeat.form())?;
    }
    if profile.exchange == ExchangeKind::SendOnly && heartbeat.form().is_answered() {
        let reason = "a send-only exchange receives no answers; use a heartbeat that is not answered";
        return Err(ProfileError::combination(KEY, "exchange", reason));
    }
    Ok(())
}

const KEY: &str = "liveness.heartbeat";

fn has_boundaries(framing: &Framing) -> Checked {
    let end = match framing.ends() {
        Ends::Itself => return Ok(()),
        Ends::Quiet(_) => "silence",
        Ends::Read(_) => "the end of a read",
        _ => "the close",
    };
    let reason = format!("only {end} ends a message, so nothing separates a heartbeat from the message");
    Err(ProfileError::combination(KEY, "framing", reason))
}

/// Checks that the framing can encode the heartbeat. Heartbeats that a program makes are checked when they are sent.
fn can_carry(framing: &Framing, form: &Form) -> Checked {
    if matches!(form, Form::Own(_)) {
        return Ok(());
    }
    let probe = form.probe(1, Duration::ZERO, b"");
    let answer = form.answer(&probe);
    for heartbeat in std::iter::once(&probe[..]).chain(answer.as_deref()) {
        if let Err(error) = framing.envelope(heartbeat) {
            let reason = match heartbeat.is_empty() {
                true => format!("a frame cannot be empty with {framing}: {error}"),
                false => format!("it cannot be sent with {framing}: {error}"),
            };
            return Err(ProfileError::combination(KEY, "framing", reason));
        }
    }
    Ok(())
}

/// Explains heartbeats and keepalive, and what works against them.
pub(super) fn explain(profile: &Profile, mut say: impl FnMut(&'static str, String)) {
    if profile.connection.short().is_some() && profile.socket.keepalive.is_none() {
        return;
    }
    let keepalive = profile.socket.keepalive.map(told_by_system);
    if let Some(heartbeat) = &profile.heartbeat {
        say("heartbeat", words(heartbeat));
        for side in [Side::Client, Side::Server] {
            let noticed = match heartbeat.detection_bound(side.role()) {
                Some(bound) => format!("notices within {} that the other side is gone", ShowDuration(bound)),
                None => "cannot tell from heartbeats that the other side is gone, because its own are not answered"
                    .to_owned(),
            };
            say(if side == Side::Client { "as a client" } else { "as a server" }, noticed);
        }
    }
    if let Some(keepalive) = keepalive {
        say("keepalive", keepalive_words(keepalive));
    }
    for caution in cautions(profile, keepalive) {
        say("careful", caution);
    }
}

fn words(heartbeat: &Heartbeat) -> String {
    let (interval, timeout, tries) = heartbeat.times();
    let who = match heartbeat.sent_by() {
        framelink_heartbeat::By::Client => "the client",
        framelink_heartbeat::By::Server => "the server",
        framelink_heartbeat::By::Both => "each side",
    };
    let what = match heartbeat.form() {
        Form::Empty { .. } => "an empty frame".to_owned(),
        Form::Literal { probe, .. } => format!("a literal of {} bytes", probe.len()),
        Form::Numbered => "a numbered probe".to_owned(),
        Form::Pattern(pattern) => match pattern.templates().next() {
            Some(probe) => format!("a message like {}", probe.example()),
            None => "a message of the peer's protocol".to_owned(),
        },
        _ => "a message that the program makes".to_owned(),
    };
    let interval = ShowDuration(interval);
    let rest = match (heartbeat.form().is_answered(), tries) {
        (false, _) => {
            format!("it is not answered, and another {} of silence ends the connection", ShowDuration(timeout * tries))
        }
        (true, 1) => format!("one that is not answered within {} ends the connection", ShowDuration(timeout)),
        (true, _) => {
            format!("{tries} that are not answered, each within {}, end the connection", ShowDuration(timeout))
        }
    };
    let life = match heartbeat.life() {
        Life::Bytes => "",
        Life::Heartbeats => "; only heartbeats count as life, messages do not",
    };
    format!("{who} sends {what} after {interval} without traffic; {rest}{life}")
}

fn keepalive_words(keepalive: Keepalive) -> String {
    let shown =
        |time: Option<Duration>| time.map_or("the system's time".to_owned(), |time| ShowDuration(time).to_string());
    let probes = keepalive.probes().map_or("the system's number of".to_owned(), |probes| probes.to_string());
    let bound = keepalive.detection_bound().map_or(String::new(), |bound| {
        format!(": a peer whose system is gone is noticed within {}", ShowDuration(bound))
    });
    let user = keepalive.user_timeout().map_or(String::new(), |time| {
        format!("; what is sent and not acknowledged ends the connection after {}", ShowDuration(time))
    });
    let (idle, interval) = (shown(keepalive.idle()), shown(keepalive.interval()));
    format!("the system probes after {idle} without traffic, every {interval}, {probes} times{bound}{user}")
}

/// Warns if a server closes clients that have only heartbeats to send: in a duplex exchange, with a longer idle time
/// than the default, or if even their first heartbeat is too late.
fn quiet_at_first(profile: &Profile, heartbeat: &Heartbeat) -> Option<String> {
    let Timeouts { first_message, first_request, idle, .. } = profile.timeouts;
    let interval = heartbeat.times().0;
    let first = ShowDuration(first_message);
    if interval >= first_message {
        let interval = ShowDuration(interval);
        return Some(format!(
            "as a server, a client that sends no message is closed after {first}, and heartbeats come every {interval}: raise \
             timeouts.first-message, or shorten the interval of liveness.heartbeat"
        ));
    }
    let may_be_quiet = matches!(profile.exchange, ExchangeKind::Duplex(_)) || idle > Timeouts::IDLE;
    let is_raised = first_request > first_message || first_message >= idle;
    (may_be_quiet && !is_raised).then(|| {
        format!(
            "as a server, a client that sends only heartbeats is closed after {first}; set timeouts.first-request = \"{}\" if clients \
             may have no other message for longer",
            ShowDuration(idle)
        )
    })
}

/// Half an hour. A longer detection time is rarely chosen on purpose.
const LONG: Duration = Duration::from_secs(1800);

fn cautions(profile: &Profile, keepalive: Option<Keepalive>) -> Vec<String> {
    let mut cautions = Vec::new();
    let heartbeat = profile.heartbeat.as_deref();
    let by_keepalive = keepalive.and_then(|keepalive| keepalive.detection_bound());
    let by_heartbeat = heartbeat.and_then(|heartbeat| heartbeat.detection_bound(Role::Client));
    match (heartbeat, by_keepalive) {
        (None, None) => cautions.push(
            "nothing detects that an idle peer is gone; set liveness.keepalive = \"60s/10s/6\", or a liveness.heartbeat if \
             the peer knows one"
                .to_owned(),
        ),
        (None, Some(bound)) if bound > LONG => cautions.push(format!(
            "with the system's own times, a dead peer is detected after {}; set liveness.keepalive = \"60s/10s/6\"",
            ShowDuration(bound)
        )),
        _ => {}
    }
    // If the system ends the connection first, heartbeats never ask.
    if let (Some(keepalive), Some(bound)) = (keepalive, by_heartbeat)
        && let Some(user) = keepalive.user_timeout().or(by_keepalive)
        && user < bound
    {
        cautions.push(format!(
            "the system gives up a silent peer after {}, and heartbeats only after {}; raise the times of \
             liveness.keepalive, or lower those of liveness.heartbeat",
            ShowDuration(user),
            ShowDuration(bound)
        ));
    }
    if let (Some(heartbeat), Some(idle)) = (heartbeat, keepalive.and_then(|keepalive| keepalive.idle()))
        && idle < heartbeat.times().0
    {
        cautions.push(format!(
            "keepalive probes every {} and heartbeats every {}, so both are sent: heartbeats detect more, and keepalive can use a longer time",
            ShowDuration(idle),
            ShowDuration(heartbeat.times().0)
        ));
    }
    cautions.extend(heartbeat.and_then(|heartbeat| quiet_at_first(profile, heartbeat)));
    if let Some(limit) = profile.idle_limit {
        let soonest =
            [heartbeat.map(|heartbeat| heartbeat.times().0), keepalive.and_then(|keepalive| keepalive.idle())];
        let limit_shown = ShowDuration(limit);
        match soonest.into_iter().flatten().min() {
            None => cautions.push(format!(
                "connections that are idle for {limit_shown} are dropped on the way, and nothing is sent to prevent that; set a \
                 liveness.keepalive or liveness.heartbeat with a shorter time"
            )),
            Some(soonest) if soonest >= limit => cautions.push(format!(
                "connections that are idle for {limit_shown} are dropped on the way, and nothing is sent before {}; set that time to {} or less",
                ShowDuration(soonest),
                ShowDuration(Duration::from_millis(u64::try_from(limit.as_millis() * 2 / 3).unwrap_or(1).max(1)))
            )),
            // A proxy closes idle connections on either side, and answers keepalive itself.
            Some(_) if heartbeat.is_none_or(|heartbeat| heartbeat.times().0 >= limit) => cautions.push(format!(
                "keepalive keeps a connection through firewalls and NAT, and not through a proxy, which answers it itself and passes \
                 nothing on: if a proxy drops connections that are idle for {limit_shown}, set a liveness.heartbeat with a shorter interval"
            )),
            Some(_) => {}
        }
    }
    cautions
}
