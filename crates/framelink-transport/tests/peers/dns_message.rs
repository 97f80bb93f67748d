//! DNS messages, as far as questions and answers about a few names need them (RFC 1035 section 4).

pub(crate) const A: u16 = 1;
pub(crate) const TXT: u16 = 16;

const IN: u16 = 1;
/// A question that may be answered by asking others.
const QUERY: u16 = 0x0100;
/// Its answer by somebody who is responsible for the name, and would have asked others.
const ANSWER: u16 = 0x8580;
/// None, so that it is never less when an answer is passed on.
const TIME_TO_LIVE: u32 = 0;
/// Instead of a name: the one of the question, behind 12 bytes.
const SAME_NAME: u16 = 0xc00c;
/// What every answer has before its data.
const RECORD_HEAD: usize = 12;

/// All that is known of one name: records of one type.
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

    /// Whether this is what a query asks for.
    pub(crate) fn are_asked_by(&self, query: &[u8]) -> bool {
        query.get(12..).is_some_and(|rest| rest.starts_with(&self.question()))
    }

    /// As lines of `unbound.conf`, where quotes must not stand in quotes.
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

    /// As `dig +short` prints them.
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

/// A few addresses, every byte value in a text, the longest name that there can be, and the largest message: 65535 bytes.
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

/// Texts that make an answer of 65535 bytes.
pub(crate) fn largest(name: &str) -> Records {
    const LARGEST: usize = 65535;
    let mut records = Records { name: name.into(), kind: TXT, data: vec![] };
    // No two are the same: each starts with its number.
    for number in 0_u16.. {
        let room = LARGEST - records.answer(0).len();
        if room == 0 {
            break;
        }
        // A string has its length before it.
        let len = (room - RECORD_HEAD - 1).min(255);
        let filled: Vec<u8> = format!("{number:03}").bytes().cycle().take(len).collect();
        records.data.push(text(&filled));
    }
    records
}

/// The data of a text: strings of at most 255 bytes, each behind its length.
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
