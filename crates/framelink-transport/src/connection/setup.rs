//! What a profile says about each connection, from its first byte on.

use std::fmt;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::Role;
use framelink_template::{Inputs, Numbers};

use crate::admission::Permit;
use crate::numbers::RoleNumbers;
use crate::profile::{Profile, ProfileError, Side};
use crate::proxy_protocol::ProxyInfo;
#[cfg(unix)]
use crate::session::Transmit;
use crate::session::{self, Lifetime, OnUnread, Receiving, Relayed, Sending};
use crate::tls::{ReaderBox, TlsSetup, WriterBox};

/// The settings for new connections: those of a profile, if any, and the receiver of unread messages.
#[derive(Clone, Default)]
pub(crate) struct ConnectionSetup {
    said: Option<(Arc<Profile>, Side)>,
    unread: Option<OnUnread>,
    /// Shared by all connections of these settings. `None` if the profile has no numbers.
    numbers: Option<RoleNumbers>,
    relayed: Option<Relayed>,
    tls: Option<TlsSetup>,
    /// The client on whose behalf connections are dialled, for their PROXY protocol header.
    client: Option<Arc<ProxyInfo>>,
}

impl ConnectionSetup {
    pub(crate) fn of(profile: Arc<Profile>, side: Side) -> Self {
        let (numbers, tls) = (RoleNumbers::of(&profile), TlsSetup::of(&profile, side));
        Self { said: Some((profile, side)), unread: None, numbers, relayed: None, tls, client: None }
    }

    /// Returns the source of numbers of these connections, if the profile has numbers.
    pub(crate) const fn numbers(&self) -> Option<&RoleNumbers> {
        self.numbers.as_ref()
    }

    /// Opens the file of numbers and reads the files of TLS, if the profile has them.
    pub(crate) fn open_files(&self) -> Result<(), ProfileError> {
        self.numbers.as_ref().map_or(Ok(()), RoleNumbers::open)?;
        self.open_tls()
    }

    /// Sets the messages of relayed first steps. Without messages, a connection is only opened, and does not begin with
    /// what the profile says.
    pub(crate) fn relaying(self, relayed: Relayed) -> Self {
        Self { relayed: Some(relayed), ..self }
    }

    /// Reads the files of TLS, if the profile has it.
    pub(crate) fn open_tls(&self) -> Result<(), ProfileError> {
        match (&self.tls, &self.said) {
            (Some(tls), _) => tls.open(),
            // Without the feature there is no TLS, and nothing is sent as plain text instead.
            (None, Some((profile, _))) if profile.tls().is_some() => Err(ProfileError::Combination {
                key: "tls",
                with: "this program",
                reason: "it was built without TLS, which is the feature `tls`".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Checks that connections can begin: the environment variables are set that messages of the profile contain, there
    /// are messages for its relayed first steps, and the files of TLS can be used.
    pub(crate) fn check(&self) -> Result<(), ProfileError> {
        if let Some((profile, side)) = &self.said {
            if profile.relayed_steps() > 0 && self.relayed.is_none() {
                profile.check_for(*side)?;
            }
            profile.check_variables(*side)?;
        }
        self.open_tls()
    }

    /// Returns whether connections are only opened, because there is no client whose first messages could be relayed.
    pub(crate) fn only_opens(&self) -> bool {
        self.relayed.as_ref().is_some_and(Relayed::is_empty)
    }

    /// Returns the key of what is exchanged before the first message, if anything is.
    pub(crate) fn opens_with(&self) -> Option<&'static str> {
        let (profile, _) = self.said.as_ref()?;
        match (profile.sign_on(), profile.greeting(), profile.first()) {
            (Some(_), ..) => Some("sign-on"),
            (_, Some(_), _) => Some("greeting"),
            (.., [_, ..]) => Some("first step"),
            _ => None,
        }
    }

    /// Returns the sign-off message, and whether a reply is expected. `None` if there is none, or if it cannot be
    /// composed: the connection is over in any case.
    pub(crate) fn sign_off(&self) -> Option<(Vec<u8>, bool)> {
        let (profile, _) = self.said.as_ref().filter(|_| !self.only_opens())?;
        let sign = profile.sign_off()?;
        let message = sign.send().compose(&Inputs::system(&self.numbers_of(profile))).ok()?;
        Some((message, sign.expected().is_some()))
    }

    /// Returns the source of numbers. A profile without numbers does not use it.
    fn numbers_of(&self, profile: &Profile) -> Numbers {
        let numbers = self.numbers.as_ref().map(|numbers| numbers.numbers().clone());
        numbers.unwrap_or_else(|| Numbers::over(profile.number_range()))
    }

    /// Uses this TLS, if there is any, instead of that of the profile.
    pub(crate) fn with_tls(self, tls: Option<TlsSetup>) -> Self {
        Self { tls: tls.or(self.tls), ..self }
    }

    /// Connects to the server at this address, which is HOST:PORT.
    pub(crate) fn for_host(self, address: &str) -> Self {
        Self { tls: self.tls.map(|tls| tls.for_host(address)), ..self }
    }

    /// Dials on behalf of this client.
    pub(crate) fn on_behalf_of(self, client: ProxyInfo) -> Self {
        Self { client: Some(Arc::new(client)), ..self }
    }

    /// Returns the PROXY protocol header that a connection between these addresses begins with; nothing if the profile has
    /// none. Without a client it has the addresses of the connection.
    pub(crate) fn proxy_header(&self, local: Option<SocketAddr>, peer: Option<SocketAddr>) -> Vec<u8> {
        let Some((profile, Side::Client)) = &self.said else { return Vec::new() };
        let Some(version) = profile.proxy_protocol().and_then(|proxy| proxy.send) else { return Vec::new() };
        match (&self.client, local.zip(peer)) {
            (Some(client), _) => client.header(version),
            (None, Some((local, peer))) => ProxyInfo::new(local, peer).header(version),
            (None, None) => ProxyInfo::default().header(version),
        }
    }

    /// Begins TLS for a new connection, if the connections have it.
    pub(crate) fn begin_tls(&self, peer: Option<SocketAddr>) -> Option<(ReaderBox, WriterBox)> {
        self.tls.as_ref().map(|tls| tls.begin(peer))
    }

    pub(crate) fn with_unread(self, unread: Option<OnUnread>) -> Self {
        Self { unread, ..self }
    }

    /// Applies the settings at the start of a connection.
    pub(crate) fn apply<D: Decode, E: Encode>(&self, receiving: &mut Receiving<D>, sending: &mut Sending<E>) {
        receiving.set_unread(self.unread.clone());
        let Some((profile, side)) = self.said.as_ref().filter(|_| !self.only_opens()) else { return };
        if let Some(numbers) = self.numbers() {
            receiving.set_numbers(numbers.numbers().clone());
        }
        sending.queue_preamble(profile.preamble().send());
        receiving.expect_preamble(profile.preamble().expect());
        sending.limit_queue(profile.limits().write_queue);
        sending.limit_messages(usize::try_from(profile.limits().queued_messages).unwrap_or(usize::MAX));
        if profile.has_dialogue(*side) {
            // Heartbeats begin after it.
            let dialogue = profile.dialogue(*side, &self.numbers_of(profile));
            receiving.set_dialogue(match &self.relayed {
                Some(relayed) => dialogue.relaying(relayed.clone()),
                None => dialogue,
            });
        } else if let Some(heartbeat) = profile.heartbeat() {
            let us = match side {
                Side::Client => Role::Client,
                Side::Server => Role::Server,
            };
            session::watch(receiving, sending, Arc::clone(heartbeat), us, session::jitter(), Duration::ZERO);
        }
        match side {
            Side::Client => receiving.limit_preamble(profile.timeouts().connect),
            Side::Server => {
                let (timeouts, heartbeat) = (profile.timeouts(), profile.heartbeat());
                receiving.limit_first(timeouts.first_message);
                receiving.limit_first_request(timeouts.first_request);
                if !profile.exchange().receives() {
                    receiving.take_heartbeat_for_first();
                }
                receiving.limit_frame(timeouts.frame);
                // An empty message that is no heartbeat is answered, and its sender has to wait for the answer.
                if heartbeat.is_some_and(|heartbeat| heartbeat.form().recognise(b"").is_some()) {
                    receiving.limit_empty(profile.limits().empty_messages);
                }
            }
        }
    }

    /// Applies the settings to an accepted connection: refuses PROXY headers, and sets the idle time and the
    /// lifetime. The place is held until both halves are dropped.
    pub(crate) fn admit<D: Decode, E: Encode>(
        &self,
        receiving: &mut Receiving<D>,
        sending: &mut Sending<E>,
        permit: Option<Permit>,
    ) {
        self.apply(receiving, sending);
        receiving.refuse_proxy_header();
        let Some(permit) = permit else { return };
        let lifetime = self.said.as_ref().map_or_else(Lifetime::new, |(profile, _)| {
            let timeouts = profile.timeouts();
            Lifetime::new().idle(timeouts.idle).lifetime(timeouts.lifetime, timeouts.frame)
        });
        receiving.count_memory(permit.account.place());
        sending.count_memory(permit.account.place());
        let lifetime = lifetime.heed(permit.notice).counted_in(permit.tally);
        session::limit_lifetime(receiving, sending, lifetime.keep(Box::new(permit.place)));
    }
}

impl fmt::Debug for ConnectionSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionSetup").field("said", &self.said).finish_non_exhaustive()
    }
}

/// Writes the preamble at once, because the peer may wait for it before it sends anything. What the socket does not
/// take now is written before the first message. An error is left to the next operation.
#[cfg(unix)]
pub(crate) fn greet<E: Encode>(socket: impl AsFd, sending: &mut Sending<E>) {
    use rustix::net::{SendFlags, send};
    #[cfg(target_os = "linux")]
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    #[cfg(not(target_os = "linux"))]
    let flags = SendFlags::DONTWAIT;
    if let Transmit::Write(preamble) = sending.poll()
        && let Ok(count) = send(socket, preamble, flags)
    {
        sending.on_written(count, Duration::ZERO);
    }
}
