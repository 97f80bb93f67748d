//! Records what the host answers, and writes the recording at the end.

use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::ProfileBuilder;
use framelink_transport::session::{Place, ReplyHeader};
use framelink_transport::{FramingPair, Profile};

use crate::failure::Failure;
use crate::recording::RecordingFile;
use crate::server::drain::Drain;
use crate::threads::on_thread;

/// How long the file may take after a second signal.
const LAST: Duration = Duration::from_secs(5);

/// The file of a recording, and what the server of the replay has.
pub(super) struct Recorder {
    pub(super) file: Arc<RecordingFile>,
    server: ProfileBuilder,
    keys: Vec<Place>,
}

impl Recorder {
    /// The replay is a server for the same clients. If the bridge keeps a header aside, it is one for the bridge, because
    /// the header is not recorded: it may have the value of an environment variable.
    pub(super) fn new(file: RecordingFile, clients: &Profile, outgoing: &Profile) -> Self {
        let server = if clients.reply_header().is_some() {
            let FramingPair { receive, send } = outgoing.framing();
            Profile::builder(FramingPair { receive: send, send: receive })
        } else {
            Profile::builder(clients.framing()).exchange(clients.exchange()).connection(clients.connection())
        };
        Self { file: Arc::new(file), server, keys: keys_of(clients, outgoing) }
    }

    /// Writes the file. A second signal shortens this, and ends it if the file cannot be written soon.
    pub(super) async fn finish(self, peer: String, mut drain: Drain) -> Result<(), Failure> {
        // A client that was cut may hold the recording a moment longer.
        let file = Arc::clone(&self.file);
        let written = on_thread(move || file.finish(self.server, &self.keys, &peer));
        tokio::pin!(written);
        tokio::select! {
            written = &mut written => return written?,
            () = drain.forced() => self.file.hurry(),
        }
        let late = |_| Failure::fault("ended by a second signal, the recording is not written");
        tokio::time::timeout(LAST, written).await.map_err(late)??
    }
}

/// Returns the places of the keys in the host's messages: as the clients' profile says, or else that of the host. The
/// clients' messages have the header that is kept aside before them.
fn keys_of(clients: &Profile, outgoing: &Profile) -> Vec<Place> {
    let header = clients.reply_header().map_or(0, ReplyHeader::len);
    let places = |profile: &Profile| profile.exchange().duplex().and_then(|duplex| duplex.key);
    let without = |place: Place| Place::new(place.offset().checked_sub(header)?, place.len());
    match (places(clients), places(outgoing)) {
        (Some(key), _) => key.iter().filter_map(without).collect(),
        (None, key) => key.map(|key| key.iter().collect()).unwrap_or_default(),
    }
}
