//! The few PDUs that the tests write and read (SMPP 3.4).

pub(crate) const SUBMIT_SM: u32 = 0x0000_0004;
pub(crate) const SUBMIT_SM_RESP: u32 = 0x8000_0004;
pub(crate) const DELIVER_SM: u32 = 0x0000_0005;
pub(crate) const DELIVER_SM_RESP: u32 = 0x8000_0005;
pub(crate) const ENQUIRE_LINK_RESP: u32 = 0x8000_0015;

/// The status of a full queue (ESME_RMSGQFUL).
pub(crate) const QUEUE_FULL: u32 = 0x14;

/// Whether a message begins with command_length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// As the preset `smpp` delivers it.
    Whole,
    /// As `net:4,counts=frame` delivers it.
    WithoutLength,
}

pub(crate) struct Pdu<'a> {
    pub(crate) command: u32,
    pub(crate) status: u32,
    pub(crate) sequence: u32,
    pub(crate) body: &'a [u8],
}

impl Head {
    pub(crate) fn read(self, message: &[u8]) -> Pdu<'_> {
        let pdu = if self == Self::Whole { &message[4..] } else { message };
        let number = |at: usize| u32::from_be_bytes(pdu[at..at + 4].try_into().unwrap());
        Pdu { command: number(0), status: number(4), sequence: number(8), body: &pdu[12..] }
    }

    pub(crate) fn write(self, command: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + body.len()).unwrap();
        let fields = [length, command, 0, sequence].map(u32::to_be_bytes);
        let head = fields.as_flattened();
        [if self == Self::Whole { head } else { &head[4..] }, body].concat()
    }

    /// A submit_sm whose text is this number. The sequence number is assigned when it is sent.
    pub(crate) fn submit_sm(self, number: u64) -> Vec<u8> {
        let text = number.to_string();
        let body = [
            b"\0\x05\0framelink\0",
            &b"\x01\x014711\0"[..],
            b"\0\0\0\0\0\0\0\0\0",
            &[u8::try_from(text.len()).unwrap()],
            text.as_bytes(),
        ];
        self.write(SUBMIT_SM, 0, &body.concat())
    }
}

/// Returns the text of a submit_sm with empty times and without optional parameters.
pub(crate) fn text_of_submit_sm(body: &[u8]) -> &str {
    let mut rest = body;
    // service_type, the source with type and plan, the destination likewise.
    for skipped in [0, 2, 2] {
        rest = &rest[skipped..];
        let end = rest.iter().position(|byte| *byte == 0).expect("a string that ends");
        rest = &rest[end + 1..];
    }
    // esm_class, protocol_id, priority, two empty times, four more bytes, the length of the text.
    std::str::from_utf8(&rest[10..10 + usize::from(rest[9])]).expect("digits")
}
