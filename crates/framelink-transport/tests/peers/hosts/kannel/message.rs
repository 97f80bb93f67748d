//! The few messages of Kannel's boxes that the tests write and read (gw/msg-decl.h and gw/msg.c of Kannel 1.4.5): integers of
//! 4 bytes, and strings after their length. The length -1 means that there is none.

pub(crate) const HEARTBEAT: u32 = 0;
pub(crate) const ADMIN: u32 = 1;
const SMS: u32 = 2;
const ACK: u32 = 3;

/// The bearerbox has passed the message on (ack_success), or will do so (ack_buffered).
pub(crate) const ACCEPTED: [u32; 2] = [0, 3];

const NONE: [u8; 4] = [0xff; 4];
/// For a mobile phone.
const TO_MOBILE: u32 = 2;
/// Reports when the centre has accepted or refused the message.
const REPORT_OF_CENTRE: u32 = 8 + 16;

/// Returns the name of a message with this number.
pub(crate) fn id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// A short message whose text is this number. Its report has the number too.
pub(crate) fn sms(number: u64) -> Vec<u8> {
    let (number, id) = (number.to_string(), id(number));
    [
        &int(SMS)[..],
        &[text("framelink"), text("4711"), none(1), text(&number), int(0).to_vec()].concat(),
        // SMSC with its number and identifier, service, account.
        &[none(3), text("test"), none(1)].concat(),
        &[text(&id), int(TO_MOBILE).to_vec()].concat(),
        // Class, waiting indicator, coding, compression, validity, delay.
        &[none(2), int(0).to_vec(), none(3)].concat(),
        &[int(REPORT_OF_CENTRE).to_vec(), text(&number)].concat(),
        // Protocol, coding scheme, reply path, character set; the box that gets the report; billing, parts, priority, retries.
        &[none(4), text(super::BOX), none(5), none(1)].concat(),
    ]
    .concat()
}

pub(crate) fn ack(id: &str) -> Vec<u8> {
    [&int(ACK)[..], &int(0), &int(0), &text(id)].concat()
}

const fn int(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

fn none(count: usize) -> Vec<u8> {
    NONE.repeat(count)
}

fn text(text: &str) -> Vec<u8> {
    [&int(u32::try_from(text.len()).unwrap()), text.as_bytes()].concat()
}

/// What a box receives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received<'a> {
    Admin,
    Ack { result: u32, id: &'a str },
    Report { id: &'a str, number: u64 },
}

pub(crate) fn read(message: &[u8]) -> Received<'_> {
    let mut fields = Fields(message);
    match fields.int() {
        ADMIN => Received::Admin,
        ACK => {
            let result = fields.int();
            fields.skip_ints(1);
            Received::Ack { result, id: fields.text() }
        }
        SMS => {
            // As above, up to the name.
            fields.skip_texts(4);
            fields.skip_ints(1);
            fields.skip_texts(5);
            let id = fields.text();
            fields.skip_ints(8);
            Received::Report { id, number: fields.text().parse().expect("a number") }
        }
        other => panic!("a message of type {other}"),
    }
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn int(&mut self) -> u32 {
        let (int, rest) = self.0.split_first_chunk().expect("a whole message");
        self.0 = rest;
        u32::from_be_bytes(*int)
    }

    fn skip_ints(&mut self, count: usize) {
        (0..count).for_each(|_| _ = self.int());
    }

    fn skip_texts(&mut self, count: usize) {
        (0..count).for_each(|_| _ = self.text());
    }

    /// Returns an empty text if there is none.
    fn text(&mut self) -> &'a str {
        let length = self.int();
        let length = if length == u32::MAX { 0 } else { length as usize };
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        std::str::from_utf8(text).expect("text")
    }
}
