//! The few messages that the tests write and read (RFC 6733), without version and length.

pub(crate) const ACCOUNTING: u32 = 271;
pub(crate) const DISCONNECT: u32 = 282;
pub(crate) const SUCCESS: u32 = 2001;

const IS_REQUEST: u8 = 0x80;
const CAN_BE_PROXIED: u8 = 0x40;

const SESSION: u32 = 263;
const ORIGIN_HOST: u32 = 264;
const RESULT: u32 = 268;
const DESTINATION_REALM: u32 = 283;
const ORIGIN_REALM: u32 = 296;
const RECORD_TYPE: u32 = 480;
const RECORD_NUMBER: u32 = 485;

pub(crate) const CLIENT: Node = Node { host: "client.example.com", realm: "example.com" };
pub(crate) const SERVER: Node = Node { host: "host.tld", realm: "tld" };

pub(crate) struct Node {
    pub(crate) host: &'static str,
    pub(crate) realm: &'static str,
}

impl Node {
    fn origin(&self) -> Vec<u8> {
        [avp(ORIGIN_HOST, self.host.as_bytes()), avp(ORIGIN_REALM, self.realm.as_bytes())].concat()
    }

    /// An answer of this node with DIAMETER_SUCCESS.
    pub(crate) fn accepts(&self, request: &Message<'_>) -> Vec<u8> {
        let head = [request.bytes[0] & CAN_BE_PROXIED];
        let mut answer = [&head[..], &request.bytes[1..HEAD]].concat();
        answer.extend(request.avp(SESSION).into_iter().flat_map(|session| avp(SESSION, session)));
        answer.extend([avp(RESULT, &SUCCESS.to_be_bytes()), self.origin()].concat());
        for copied in [RECORD_TYPE, RECORD_NUMBER] {
            answer.extend(request.avp(copied).into_iter().flat_map(|value| avp(copied, value)));
        }
        answer
    }
}

/// An accounting event of the client with this number, for the realm of the server. The hop-by-hop identifier is assigned.
pub(crate) fn accounting(number: u64) -> Vec<u8> {
    let command = (u32::from(IS_REQUEST | CAN_BE_PROXIED) << 24) | ACCOUNTING;
    let end_to_end = u32::try_from(number % 0x1_0000_0000).unwrap();
    let head = [command, 3, 0, end_to_end].map(u32::to_be_bytes);
    let session = format!("{};1;{number}", CLIENT.host);
    [
        head.as_flattened().to_vec(),
        avp(SESSION, session.as_bytes()),
        CLIENT.origin(),
        avp(DESTINATION_REALM, SERVER.realm.as_bytes()),
        avp(RECORD_TYPE, &[0, 0, 0, 1]),
        avp(RECORD_NUMBER, &[0; 4]),
    ]
    .concat()
}

fn avp(code: u32, value: &[u8]) -> Vec<u8> {
    let is_mandatory = 0x40;
    let length = u32::try_from(8 + value.len()).unwrap().to_be_bytes();
    let padding = vec![0; value.len().wrapping_neg() % 4];
    [&code.to_be_bytes()[..], &[is_mandatory], &length[1..], value, &padding].concat()
}

/// Flags, command, application, both identifiers.
const HEAD: usize = 16;

pub(crate) struct Message<'a> {
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) const fn is_request(&self) -> bool {
        self.bytes[0] & IS_REQUEST != 0
    }

    pub(crate) fn command(&self) -> u32 {
        number(&self.bytes[..4]) & 0x00ff_ffff
    }

    pub(crate) fn result(&self) -> u32 {
        number(self.avp(RESULT).expect("a Result-Code"))
    }

    /// The number of the request, which its session contains.
    pub(crate) fn number(&self) -> u64 {
        let session = std::str::from_utf8(self.avp(SESSION).expect("a Session-Id")).unwrap();
        session.rsplit(';').next().unwrap().parse().expect("a number")
    }

    fn avp(&self, code: u32) -> Option<&'a [u8]> {
        let mut rest = &self.bytes[HEAD..];
        while !rest.is_empty() {
            let length = number(&rest[4..8]) as usize & 0x00ff_ffff;
            if number(&rest[..4]) == code {
                return Some(&rest[8..length]);
            }
            rest = &rest[length.next_multiple_of(4)..];
        }
        None
    }
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().expect("4 bytes"))
}
