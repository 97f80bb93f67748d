//! DNS messages, with the parts that questions and answers about a few names need (RFC 1035 section 4).

pub(crate) const A: u16 = 1;
pub(crate) const TXT: u16 = 16;

const IN: u16 = 1;
/// The flags of a question that may be answered recursively.
const QUERY: u16 = 0x0100;
/// The flags of an authoritative answer by a server that offers recursion.
const ANSWER: u16 = 0x8580;
/// Zero, so that the value does not change when an answer is passed on.
const TIME_TO_LIVE: u32 = 0;
/// Stands for a name: a reference to the name of the question, at offset 12.
const SAME_NAME: u16 = 0xc00c;
/// The length of the fixed part before the data of an answer.
const RECORD_HEAD: usize = 12;

/// All records of one name, which have one type.
pub(crate) struct Records {
    pub(crate) name: String,
    pub(crate) kind: u16,
    pub(crate) data: Vec<Vec<u8>>,
}

impl Records {
    pub(crate) fn query(&self, id: u16) -> Vec<u8> {
        [words([id, QUERY, 1, 0, 0, 0]), self.question()].concat()
    }

    pub(crate) fn answer(&self, id: u16) -> Vec<u8> {
        let mut answer = words([id, ANSWER, 1, u16::try_from(self.data.len()).expect("a count"), 0, 0]);
        answer.extend(self.question());
        for data in &self.data {
            answer.extend(words([SAME_NAME, self.kind, IN]));
            answer.extend(TIME_TO_LIVE.to_be_bytes());
            answer.extend(words([u16::try_from(data.len()).expect("a length")]));
            answer.extend(data);
        }
        answer
    }

    /// Returns whether a query asks for these records.
    pub(crate) fn are_asked_by(&self, query: &[u8]) -> bool {
        query.get(12..).is_some_and(|rest| rest.starts_with(&self.question()))
    }

    /// Returns the records as lines of `unbound.conf`, where a quoted text cannot contain quotes.
    pub(crate) fn configuration(&self) -> String {
        let escaped = |byte: u8| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
            _ => format!("\\{byte:03}"),
        };
        let lines = self.written(escaped).into_iter().map(|data| {
            let kind = if self.kind == A { "A" } else { "TXT" };
            format!("  local-data: '{} {TIME_TO_LIVE} IN {kind} {data}'\n", self.name)
        });
        lines.collect()
    }

    /// Returns the records as `dig +short` prints them.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.written(|byte| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(byte)),
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("\\{byte:03}"),
        })
    }

    fn written(&self, escaped: impl Fn(u8) -> String) -> Vec<String> {
        let line = |data: &Vec<u8>| match self.kind {
            A => data.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
            _ => quoted(data, &escaped),
        };
        self.data.iter().map(line).collect()
    }

    fn question(&self) -> Vec<u8> {
        let labels = self.name.split('.').flat_map(|label| {
            let len = u8::try_from(label.len()).expect("a length");
            [&[len], label.as_bytes()].concat()
        });
        labels.chain([0]).chain(words([self.kind, IN])).collect()
    }
}

/// A few addresses, a text with every byte value, the longest possible name, and the largest message: 65535 bytes.
pub(crate) fn zone() -> Vec<Records> {
    let mut zone: Vec<Records> = (1..=20)
        .map(|i| Records {
            name: format!("host-{i}.example"),
            kind: A,
            data: vec![vec![192, 0, 2, i], vec![10, i, 0, i]],
        })
        .collect();
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}.example", "b".repeat(53));
    zone.push(Records { name: longest, kind: A, data: vec![vec![192, 0, 2, 255]] });
    let every: Vec<u8> = (0..=255).collect();
    zone.push(Records { name: "bytes.example".into(), kind: TXT, data: vec![text(&every)] });
    zone.push(largest("largest.example"));
    zone
}

/// Returns texts that make an answer of 65535 bytes.
pub(crate) fn largest(name: &str) -> Records {
    const LARGEST: usize = 65535;
    let mut records = Records { name: name.into(), kind: TXT, data: vec![] };
    // Each text starts with its number, so that no two are equal.
    for number in 0_u16.. {
        let room = LARGEST - records.answer(0).len();
        if room == 0 {
            break;
        }
        // A length byte precedes each string.
        let len = (room - RECORD_HEAD - 1).min(255);
        let filled: Vec<u8> = format!("{number:03}").bytes().cycle().take(len).collect();
        records.data.push(text(&filled));
    }
    records
}

/// Returns the data of a text record: strings of at most 255 bytes, each after its length byte.
fn text(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(255).flat_map(|part| [&[u8::try_from(part.len()).expect("a length")], part].concat()).collect()
}

fn quoted(data: &[u8], escaped: impl Fn(u8) -> String) -> String {
    let mut rest = data;
    let mut strings = Vec::new();
    while let Some((&len, behind)) = rest.split_first() {
        let (string, behind) = behind.split_at(usize::from(len));
        strings.push(format!("\"{}\"", string.iter().map(|&byte| escaped(byte)).collect::<String>()));
        rest = behind;
    }
    strings.join(" ")
}

fn words<const N: usize>(words: [u16; N]) -> Vec<u8> {
    words.into_iter().flat_map(u16::to_be_bytes).collect()
}
