//! net-io: a session that cuts net:4 frames; net-io itself has no frames. Replies to all frames of a read share a write.
//!
//! Of the form `default` only the limits on connections are raised: net-io 0.4 has a thread for each connection. `fast` also
//! begins with the largest input buffers, and does not overwrite buffers after use, which is a precaution of net-io.

use net_io::{AllowAll, ConnectionInfo, Input, Limits, ListenerSpec, NetError, Phase, PrefixPolicy};
use net_io::{ServerBuilder, Session, SessionContext, SizeClass, Step};

const CONNECTIONS: u16 = 256;
const HEADER: usize = 4;

struct Echo;

impl Session for Echo {
    fn on_data(&mut self, context: &mut SessionContext<'_>, input: &mut Input) -> Step {
        while let Some(frame_len) = frame_len(input.bytes()) {
            if context.output().push(&input.bytes()[..frame_len]).is_err() {
                // After the write this is called again with the rest.
                return Step::Write;
            }
            input.consume(frame_len);
        }
        if input.is_full() && context.grow_input(SizeClass::LARGE).is_err() {
            return Step::Abort;
        }
        context.set_phase(if input.bytes().is_empty() { Phase::Idle } else { Phase::Receiving });
        if context.output().is_empty() { Step::Read } else { Step::Write }
    }
}

/// Returns the length of the first frame, if all of it is there.
fn frame_len(bytes: &[u8]) -> Option<usize> {
    let (header, payload) = bytes.split_first_chunk::<HEADER>()?;
    let payload_len = u32::from_be_bytes(*header) as usize;
    (payload.len() >= payload_len).then_some(HEADER + payload_len)
}

fn main() -> Result<(), NetError> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("the address to listen on");
    let is_fast = arguments.next().is_some_and(|form| form == "fast");
    let connections = u32::from(CONNECTIONS);
    let mut limits = Limits::builder().max_connections(connections).max_per_source(connections, PrefixPolicy::DEFAULT);
    if is_fast {
        limits = limits.read_class(SizeClass::LARGE, SizeClass::LARGE);
    }
    let server = ServerBuilder::new()
        .listener(ListenerSpec::tcp(&*address))
        .workers(CONNECTIONS)
        .limits(limits.build()?)
        .wipe_buffers(!is_fast)
        .sessions(|_: &ConnectionInfo| Echo)
        .gate(AllowAll)
        .build()?;
    server.open_door()?;
    server.wait_for_stop();
    Ok(())
}
