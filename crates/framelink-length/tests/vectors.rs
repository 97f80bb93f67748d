//! Frames byte by byte, read and written: every kind, every option, every preset.

use framelink_codec::check;
use framelink_length::{Decode, Length, PRESETS};

/// Name, notation, all bytes of the frame, payload.
type Case = (&'static str, &'static str, &'static [u8], &'static [u8]);

const HELLO: &[u8] = b"hello, world";

/// Frames that are written and read with these bytes.
#[rustfmt::skip] // a line a case
const KINDS: &[Case] = &[
    ("net1", "net:1", b"\x0chello, world", HELLO),
    ("net2 (jPOS NACChannel without TPDU, moov Binary2Bytes, Erlang packet 2, Twisted Int16)", "net:2", b"\0\x0chello, world", HELLO),
    ("net3", "net:3", b"\0\0\x0chello, world", HELLO),
    ("net4 (jPOS RawChannel, Erlang packet 4, Twisted Int32)", "net:4", b"\0\0\0\x0chello, world", HELLO),
    ("net5", "net:5", b"\0\0\0\0\x0chello, world", HELLO),
    ("net6", "net:6", b"\0\0\0\0\0\x0chello, world", HELLO),
    ("net7", "net:7", b"\0\0\0\0\0\0\x0chello, world", HELLO),
    ("net8", "net:8", b"\0\0\0\0\0\0\0\x0chello, world", HELLO),
    ("le1", "le:1", b"\x0chello, world", HELLO),
    ("le2", "le:2", b"\x0c\0hello, world", HELLO),
    ("le3", "le:3", b"\x0c\0\0hello, world", HELLO),
    ("le4", "le:4", b"\x0c\0\0\0hello, world", HELLO),
    ("le5", "le:5", b"\x0c\0\0\0\0hello, world", HELLO),
    ("le6", "le:6", b"\x0c\0\0\0\0\0hello, world", HELLO),
    ("le7", "le:7", b"\x0c\0\0\0\0\0\0hello, world", HELLO),
    ("le8", "le:8", b"\x0c\0\0\0\0\0\0\0hello, world", HELLO),
    ("ascii1", "ascii:1", b"5hello", b"hello"),
    ("ascii2", "ascii:2", b"12hello, world", HELLO),
    ("ascii4", "ascii:4", b"0012hello, world", HELLO),
    ("ascii9", "ascii:9", b"000000012hello, world", HELLO),
    ("ascii18", "ascii:18", b"000000000000000012hello, world", HELLO),
    ("hex1", "hex:1", b"Chello, world", HELLO),
    ("hex4 upper case (jPOS HEXChannel writes lower case)", "hex:4", b"000Chello, world", HELLO),
    ("hex4 lower case", "hex:4,lower", b"000chello, world", HELLO),
    ("hex16", "hex:16", b"000000000000000Chello, world", HELLO),
    ("hex16 lower case", "hex:16,lower", b"000000000000000chello, world", HELLO),
    ("ebcdic1", "ebcdic:1", b"\xf5hello", b"hello"),
    ("ebcdic4", "ebcdic:4", b"\xf0\xf0\xf1\xf2hello, world", HELLO),
    ("ebcdic9", "ebcdic:9", b"\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf1\xf2hello, world", HELLO),
    ("ebcdic18", "ebcdic:18", b"\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf1\xf2hello, world", HELLO),
    ("bcd1", "bcd:1", b"\x12hello, world", HELLO),
    ("bcd2 (jPOS BCDChannel, moov BCD2Bytes)", "bcd:2", b"\0\x12hello, world", HELLO),
    ("bcd3", "bcd:3", b"\0\0\x12hello, world", HELLO),
    ("bcd4", "bcd:4", b"\0\0\0\x12hello, world", HELLO),
    ("bcd5", "bcd:5", b"\0\0\0\0\x12hello, world", HELLO),
    ("bcd6", "bcd:6", b"\0\0\0\0\0\x12hello, world", HELLO),
    ("bcd7", "bcd:7", b"\0\0\0\0\0\0\x12hello, world", HELLO),
    ("bcd8", "bcd:8", b"\0\0\0\0\0\0\0\x12hello, world", HELLO),
    ("bcd9", "bcd:9", b"\0\0\0\0\0\0\0\0\x12hello, world", HELLO),
    ("decimal, two digits", "decimal:3a", b"12:hello, world", HELLO),
    ("decimal, one digit", "decimal:3a", b"5:hello", b"hello"),
    ("decimal, the number 0", "decimal:3a", b"0:", b""),
    ("decimal, separator NUL", "decimal:00", b"12\0hello, world", HELLO),
    ("decimal, separator 0xff", "decimal:ff", b"12\xffhello, world", HELLO),
    ("decimal, separator just below the digits", "decimal:2f", b"12/hello, world", HELLO),
    ("syslog octet count", "decimal:20", b"12 hello, world", HELLO),
    ("netstring", "decimal:3a,suffix=2c,counts=payload", b"12:hello, world,", HELLO),
    ("varint", "varint", b"\x0chello, world", HELLO),
    ("varint, the number 0", "varint", b"\0", b""),
    ("empty, ascii4", "ascii:4", b"0000", b""),
    ("empty, net2", "net:2", b"\0\0", b""),
    ("empty, bcd2", "bcd:2", b"\0\0", b""),
    ("empty, ebcdic4", "ebcdic:4", b"\xf0\xf0\xf0\xf0", b""),
];

/// Frames that are written and read with these bytes.
#[rustfmt::skip] // a line a case
const OPTIONS: &[Case] = &[
    ("length at an offset", "net:2,at=2", b"\0\0\0\x0chello, world", HELLO),
    ("a prefix sets the offset", "ascii:2,prefix=02", b"\x0212hello, world", HELLO),
    ("a prefix shorter than the offset", "net:2,at=3,prefix=03", b"\x03\0\0\0\x0chello, world", HELLO),
    ("tpkt", "net:2,at=2,prefix=0300,counts=frame", b"\x03\0\0\x10hello, world", HELLO),
    ("an offset before digits without a width", "decimal:3a,at=1", b"\x0012:hello, world", HELLO),
    ("record marking, flag bit free and zero", "net:4,mask=7fffffff", b"\0\0\0\x0chello, world", HELLO),
    ("a mask over half a byte", "net:2,mask=0fff", b"\0\x0chello, world", HELLO),
    ("a mask, little-endian", "le:2,mask=0fff", b"\x0c\0hello, world", HELLO),
    ("a gap is counted", "net:2,gap=3", b"\0\x0f\0\0\0hello, world", HELLO),
    ("net2 with a five-byte TPDU after the length (not part of the payload)", "net:2,infix=6000010002", b"\0\x11\x60\0\x01\0\x02hello, world", HELLO),
    ("bcd2 with a five-byte TPDU after the length (jPOS NCCChannel)", "bcd:2,infix=6000010002", b"\0\x17\x60\0\x01\0\x02hello, world", HELLO),
    ("an infix shorter than the gap", "net:2,gap=3,infix=60", b"\0\x0f\x60\0\0hello, world", HELLO),
    ("a gap behind digits without a width", "decimal:3a,infix=6001,gap=3", b"15:\x60\x01\0hello, world", HELLO),
    ("a gap behind a varint", "varint,at=1,infix=60,tail=1", b"\0\x0e\x60hello, world\0", HELLO),
    ("a tail is counted", "net:2,tail=2", b"\0\x0ehello, world\0\0", HELLO),
    ("a free tail that is not counted", "net:1,tail=1,counts=payload", b"\x0chello, world\0", HELLO),
    ("net2 and an ETX that the length counts (jPOS BASE24TCPChannel)", "net:2,suffix=03", b"\0\x0dhello, world\x03", HELLO),
    ("a suffix shorter than the tail", "net:2,tail=3,suffix=03", b"\0\x0fhello, world\x03\0\0", HELLO),
    ("counts the rest", "net:1,at=1,gap=1,tail=1,counts=rest", b"\0\x0e\0hello, world\0", HELLO),
    ("counts the payload", "net:1,at=1,gap=1,tail=1,counts=payload", b"\0\x0c\0hello, world\0", HELLO),
    ("counts itself and the rest", "net:1,at=1,gap=1,tail=1,counts=self", b"\0\x0f\0hello, world\0", HELLO),
    ("counts the frame", "net:1,at=1,gap=1,tail=1,counts=frame", b"\0\x10\0hello, world\0", HELLO),
    ("net2 counting itself (jPOS AmexChannel)", "net:2,counts=self", b"\0\x0ehello, world", HELLO),
    ("ascii4 counting itself", "ascii:4,counts=self", b"0016hello, world", HELLO),
    ("payload counted alone", "net:2,infix=0000,counts=payload", b"\0\x0c\0\0hello, world", HELLO),
    ("adjust up", "net:2,adjust=+2", b"\0\x0ahello, world", HELLO),
    ("adjust down", "net:2,adjust=-2", b"\0\x0ehello, world", HELLO),
    ("adjust is from the number to gap, payload and tail", "net:1,at=1,gap=1,tail=1,adjust=+3", b"\0\x0b\0hello, world\0", HELLO),
    ("adjust down to the number 0", "net:1,adjust=+12", b"\0hello, world", HELLO),
    ("empty, counts itself", "net:2,counts=self", b"\0\x02", b""),
    ("empty, between gap and tail", "net:2,gap=1,tail=1", b"\0\x02\0\0", b""),
    ("zero=empty, an empty payload is written the ordinary way", "net:2,counts=self,zero=empty", b"\0\x02", b""),
    ("zero=empty, other payloads are as without", "net:2,gap=1,zero=empty", b"\0\x0d\0hello, world", HELLO),
    ("zero=empty and keep, the message is its length field", "net:2,counts=self,zero=empty,keep", b"\0\0", b"\0\0"),
    ("kept whole", "net:2,gap=5,keep", b"\0\x11\x60\0\x01\0\x02hello, world", b"\0\x11\x60\0\x01\0\x02hello, world"),
    ("kept whole, free bytes before and after", "net:1,at=2,tail=2,keep", b"\xaa\xbb\x04hi\xcc\xdd", b"\xaa\xbb\x04hi\xcc\xdd"),
    ("kept whole, free bits", "net:2,mask=7fff,keep", b"\x80\x02hi", b"\x80\x02hi"),
    ("kept whole, digits in either case", "hex:2,keep", b"0chello, world", b"0chello, world"),
    ("kept whole, with prefix, infix and suffix", "ascii:1,prefix=02,infix=2f,suffix=03,keep", b"\x024/hi\x03", b"\x024/hi\x03"),
    ("exactly the limit", "net:2,max=12", b"\0\x0chello, world", HELLO),
    ("the limit is one of the payload, not of the frame", "net:2,at=9,gap=2,tail=2,max=2", b"\0\0\0\0\0\0\0\0\0\0\x06\0\0hi\0\0", b"hi"),
];

/// Frames from standards.
#[rustfmt::skip] // a line a case
const PRESET_FRAMES: &[Case] = &[
    ("a query for example.com (RFC 1035)", "dns", b"\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01", b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01"),
    ("a terminal's network test, TPDU and ISO 8583 in BCD", "nac", b"\0\x1f\x60\0\x01\0\x02\x08\0\x20\x20\x01\0\0\x80\0\0\x99\0\0\0\0\x01\0\x0129110001", b"\x60\0\x01\0\x02\x08\0\x20\x20\x01\0\0\x80\0\0\x99\0\0\0\0\x01\0\x0129110001"),
    ("an ISO 8583 echo test, length exclusive", "2E", b"\0\x370800822000000000000004000000000000000716070815000001301", b"0800822000000000000004000000000000000716070815000001301"),
    ("an ISO 8583 echo test, length inclusive", "2I", b"\0\x390800822000000000000004000000000000000716070815000001301", b"0800822000000000000004000000000000000716070815000001301"),
    ("an ISO 8583 echo test, four bytes exclusive", "4E", b"\0\0\0\x370800822000000000000004000000000000000716070815000001301", b"0800822000000000000004000000000000000716070815000001301"),
    ("an ISO 8583 echo test, four bytes inclusive", "4I", b"\0\0\0\x3b0800822000000000000004000000000000000716070815000001301", b"0800822000000000000004000000000000000716070815000001301"),
    ("term_to_binary(ok)", "erlang-1", b"\x06\x83\x64\0\x02ok", b"\x83\x64\0\x02ok"),
    ("term_to_binary(ok)", "erlang-2", b"\0\x06\x83\x64\0\x02ok", b"\x83\x64\0\x02ok"),
    ("term_to_binary(ok)", "erlang-4", b"\0\0\0\x06\x83\x64\0\x02ok", b"\x83\x64\0\x02ok"),
    ("an ApiVersions request, version 0", "kafka", b"\0\0\0\x0e\0\x12\0\0\0\0\0\x01\0\x04demo", b"\0\x12\0\0\0\0\0\x01\0\x04demo"),
    ("an echo test behind the external header", "base24-tcp", b"\0\x44ISO0060000400800822000000000000004000000000000000716070815000001301\x03", b"ISO0060000400800822000000000000004000000000000000716070815000001301"),
    ("an S7 connection request (RFC 1006, X.224 CR)", "tpkt", b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02", b"\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02"),
    ("the definition's own example", "netstring", b"12:hello world!,", b"hello world!"),
    ("the definition's empty string", "netstring", b"0:,", b""),
    ("an RFC 5424 message, octets counted (RFC 6587)", "syslog", b"71 <34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - failed", b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - failed"),
    ("STARTDT act", "iec104", b"\x68\x04\x07\0\0\0", b"\x07\0\0\0"),
    ("enquire_link", "smpp", b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01", b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01"),
    ("bind_transmitter, the specification's example", "smpp", b"\0\0\0\x2f\0\0\0\x02\0\0\0\0\0\0\0\x01SMPP3TEST\0secret08\0SUBMIT1\0\x50\x01\x01\0", b"\0\0\0\x2f\0\0\0\x02\0\0\0\0\0\0\0\x01SMPP3TEST\0secret08\0SUBMIT1\0\x50\x01\x01\0"),
    ("read register 5, the guide's example", "modbus", b"\x15\x01\0\0\0\x06\xff\x03\0\x04\0\x01", b"\x15\x01\0\0\0\x06\xff\x03\0\x04\0\x01"),
    ("a Device-Watchdog-Request", "diameter", b"\x01\0\0\x38\x80\0\x01\x18\0\0\0\0\0\0\0\x01\0\0\0\x02\0\0\x01\x08\x40\0\0\x11a.example\0\0\0\0\0\x01\x28\x40\0\0\x0fexample\0", b"\x01\0\0\x38\x80\0\x01\x18\0\0\0\0\0\0\0\x01\0\0\0\x02\0\0\x01\x08\x40\0\0\x11a.example\0\0\0\0\0\x01\x28\x40\0\0\x0fexample\0"),
    ("a simple query", "postgres", b"Q\0\0\0\x0dSELECT 1\0", b"Q\0\0\0\x0dSELECT 1\0"),
    ("Sync, a message without a body", "postgres", b"S\0\0\0\x04", b"S\0\0\0\x04"),
    ("CONNECT", "mqtt", b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0"),
    ("PINGREQ, nothing behind the fixed header", "mqtt", b"\xc0\0", b"\xc0\0"),
    ("an OK packet, sequence id 1", "mysql", b"\x07\0\0\x01\0\0\0\x02\0\0\0", b"\x07\0\0\x01\0\0\0\x02\0\0\0"),
    ("OP_MSG with {ping: 1, $db: \"admin\"}", "mongodb", b"\x33\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x1e\0\0\0\x10ping\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0", b"\x33\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x1e\0\0\0\x10ping\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0"),
    ("a close_notify alert", "tls", b"\x15\x03\x03\0\x02\x01\0", b"\x15\x03\x03\0\x02\x01\0"),
    ("a heartbeat", "amqp", b"\x08\0\0\0\0\0\0\xce", b"\x08\0\0\0\0\0\0\xce"),
    ("Connection.TuneOk", "amqp", b"\x01\0\0\0\0\0\x0c\0\x0a\0\x1f\0\0\0\x02\0\0\0\x3c\xce", b"\x01\0\0\0\0\0\x0c\0\x0a\0\x1f\0\0\0\x02\0\0\0\x3c\xce"),
    ("a NULL call of NFS 3, last fragment", "sunrpc", b"\x80\0\0\x28\0\0\0\x07\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", b"\x80\0\0\x28\0\0\0\x07\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ("KEEPALIVE", "bgp", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\x13\x04", b"\x04"),
];

/// Frames that are read, but written with other bytes.
#[rustfmt::skip] // a line a case
const READ_ONLY: &[Case] = &[
    ("lower-case hex is read", "hex:4", b"000chello, world", HELLO),
    ("upper-case hex is read", "hex:4,lower", b"000Chello, world", HELLO),
    ("bytes before the length are free", "net:2,at=2", b"\xab\xcd\0\x0chello, world", HELLO),
    ("bytes behind a short prefix are free", "net:2,at=3,prefix=03", b"\x03\xab\xcd\0\x0chello, world", HELLO),
    ("the gap is free", "net:2,gap=2", b"\0\x0e\xab\xcdhello, world", HELLO),
    ("the gap behind a short infix is free", "net:2,gap=3,infix=60", b"\0\x0f\x60\xab\xcdhello, world", HELLO),
    ("the tail is free", "net:2,tail=2", b"\0\x0ehello, world\xab\xcd", HELLO),
    ("the tail behind a short suffix is free", "net:2,tail=3,suffix=03", b"\0\x0fhello, world\x03\xab\xcd", HELLO),
    ("bits outside the mask are free", "net:4,mask=7fffffff", b"\x80\0\0\x0chello, world", HELLO),
    ("bits outside the mask are free, little-endian", "le:2,mask=0fff", b"\x0c\xf0hello, world", HELLO),
    ("empty, zero allowed", "net:2,counts=self,zero=empty", b"\0\0", b""),
    ("empty, zero allowed, whole frame counted", "net:2,at=2,prefix=03,counts=frame,zero=empty", b"\x03\0\0\0", b""),
    ("empty, zero ends with its length field: no gap, no tail", "net:2,gap=4,suffix=03,zero=empty", b"\0\0", b""),
    ("empty, zero among free bits", "net:2,mask=7fff,counts=self,zero=empty", b"\x80\0", b""),
    ("empty, zero below the adjustment", "ascii:4,adjust=-3,zero=empty", b"0000", b""),
    ("empty, zero of a varint", "varint,tail=2,zero=empty", b"\0", b""),
    ("empty, zero of a decimal", "decimal:3a,suffix=2c,zero=empty", b"0:", b""),
];

/// Refused frames, with the number of bytes that are enough to refuse, and the exact error.
#[rustfmt::skip] // a line a case
const REJECTED: &[(&str, &str, &[u8], usize, &str)] = &[
    ("signed digits", "ascii:4", b"+012", 1, "header byte 0 is 0x2b, expected an ASCII digit"),
    ("negative digits", "ascii:4", b"-001", 1, "header byte 0 is 0x2d, expected an ASCII digit"),
    ("blank-padded digits", "ascii:4", b"  12", 1, "header byte 0 is 0x20, expected an ASCII digit"),
    ("a blank behind the digits", "ascii:4", b"12  ", 3, "header byte 2 is 0x20, expected an ASCII digit"),
    ("a digit plus 0x80", "ascii:4", b"00\xb1", 3, "header byte 2 is 0xb1, expected an ASCII digit"),
    ("no digit in the last of 18 places", "ascii:18", b"00000000000000001:", 18, "header byte 17 is 0x3a, expected an ASCII digit"),
    ("the byte before the digits", "ascii:9", b"00000000/", 9, "header byte 8 is 0x2f, expected an ASCII digit"),
    ("the offset counts from the start of the frame", "ascii:2,at=3", b"\0\0\x000x", 5, "header byte 4 is 0x78, expected an ASCII digit"),
    ("ASCII digits are no EBCDIC ones", "ebcdic:4", b"0012", 1, "header byte 0 is 0x30, expected an EBCDIC digit, 0xf0 to 0xf9"),
    ("behind the EBCDIC digits", "ebcdic:4", b"\xf0\xfa", 2, "header byte 1 is 0xfa, expected an EBCDIC digit, 0xf0 to 0xf9"),
    ("hex digit out of range", "hex:4", b"00g0", 3, "header byte 2 is 0x67, expected an ASCII hexadecimal digit"),
    ("hex with its 0x", "hex:4", b"0x0c", 2, "header byte 1 is 0x78, expected an ASCII hexadecimal digit"),
    ("nibble above nine", "bcd:2", b"\0\xa2", 2, "header byte 1 is 0xa2, expected two decimal digits, one in each half"),
    ("low nibble above nine", "bcd:2", b"\x1c", 1, "header byte 0 is 0x1c, expected two decimal digits, one in each half"),
    ("nibble above nine in the last of 9 bytes", "bcd:9", b"\0\0\0\0\0\0\0\0\x0f", 9, "header byte 8 is 0x0f, expected two decimal digits, one in each half"),
    ("leading zero", "decimal:3a", b"01:", 2, "length field at header byte 0 has a leading zero"),
    ("two zeros", "decimal:3a,at=1", b"\x0000:", 3, "length field at header byte 1 has a leading zero"),
    ("no digits", "decimal:3a", b":", 1, "length field at header byte 0 has no digits"),
    ("a blank before the digits", "decimal:3a", b" 1:", 1, "header byte 0 is 0x20, expected an ASCII digit"),
    ("another separator", "decimal:3a", b"12 ", 3, "header byte 2 is 0x20, expected an ASCII digit or the separator"),
    ("nineteen digits", "decimal:3a", b"1234567890123456789", 19, "length field at header byte 0 has more than 18 digits"),
    ("overlong varint", "varint", b"\x80\0", 2, "length field at header byte 0 is a varint with a needless last byte 0x00"),
    ("overlong varint, three bytes", "varint,at=1", b"\0\xff\x80\0", 4, "length field at header byte 1 is a varint with a needless last byte 0x00"),
    ("varint of ten bytes", "varint", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 9, "length field at header byte 0 is a varint of more than 9 bytes"),
    ("number smaller than itself", "net:2,counts=self", b"\0\x01", 2, "header says 1, but what it counts is at least 2 bytes"),
    ("number smaller than the frame", "ascii:4,at=3,gap=2,tail=1,counts=frame", b"\0\0\x000009", 7, "header says 9, but what it counts is at least 10 bytes"),
    ("number smaller than gap and tail", "net:1,gap=2,tail=3", b"\x04", 1, "header says 4, but what it counts is at least 5 bytes"),
    ("zero is no exception by itself", "net:2,counts=self", b"\0\0", 2, "header says 0, but what it counts is at least 2 bytes"),
    ("zero=empty lets no other number pass", "net:2,counts=self,zero=empty", b"\0\x01", 2, "header says 1, but what it counts is at least 2 bytes"),
    ("number below its adjustment", "net:2,adjust=-10", b"\0\x09", 2, "header says 9, but what it counts is at least 10 bytes"),
    ("wrong prefix", "net:2,at=2,counts=frame,prefix=0300", b"\x04\0\0\x10", 1, "prefix byte at offset 0 is 0x04, expected 0x03"),
    ("wrong prefix, at its second byte, before the rest is there", "net:2,prefix=0300", b"\x03\x01", 2, "prefix byte at offset 1 is 0x01, expected 0x00"),
    ("wrong infix", "net:2,infix=6000010002", b"\0\x11\x60\0\x01\0\x03", 7, "infix byte at offset 6 is 0x03, expected 0x02"),
    ("wrong infix, at its first byte, before the rest is there", "net:2,gap=5,infix=6000", b"\0\x11\x61", 3, "infix byte at offset 2 is 0x61, expected 0x60"),
    ("wrong trailer", "net:2,suffix=03", b"\0\x0dhello, world\x04", 15, "suffix byte at offset 14 is 0x04, expected 0x03"),
    ("wrong trailer, at its first byte, before the rest is there", "net:2,tail=9,suffix=0304", b"\0\x0bhi\x04", 5, "suffix byte at offset 4 is 0x04, expected 0x03"),
    ("over max", "net:2,max=100", b"\0\x65", 2, "header announces 101 payload bytes, limit is 100"),
    ("over the default of 1 MiB", "net:4", b"\0\x10\0\x01", 4, "header announces 1048577 payload bytes, limit is 1048576"),
    ("over max, counted without the header", "net:2,at=1,counts=frame,max=100", b"\0\0\x68", 3, "header announces 101 payload bytes, limit is 100"),
    ("over max, with keep too", "net:2,keep,max=100", b"\0\x65", 2, "header announces 101 payload bytes, limit is 100"),
    ("the largest number there is", "net:8", b"\xff\xff\xff\xff\xff\xff\xff\xff", 8, "header announces 18446744073709551615 payload bytes, limit is 1048576"),
    ("the largest number and more", "hex:16,adjust=+100", b"ffffffffffffffff", 16, "header announces 18446744073709551615 payload bytes, limit is 1048576"),
    ("the largest varint", "varint", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9, "header announces 9223372036854775807 payload bytes, limit is 1048576"),
];

fn length(notation: &str) -> Length {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

fn named(&(name, notation, ..): &Case) -> String {
    format!("{notation} ({name})")
}

#[test]
fn every_kind_is_written_and_read() {
    for case in KINDS {
        check::vector(&length(case.1), &named(case), case.2, case.3, false);
    }
}

#[test]
fn every_option_is_written_and_read() {
    for case in OPTIONS {
        check::vector(&length(case.1), &named(case), case.2, case.3, false);
    }
}

#[test]
fn every_preset_is_written_and_read() {
    for case in PRESET_FRAMES {
        check::vector(&length(case.1), &named(case), case.2, case.3, false);
    }
    for preset in PRESETS {
        assert!(PRESET_FRAMES.iter().any(|case| case.1 == preset.name), "no frame of {}", preset.name);
    }
}

#[test]
fn free_bytes_and_other_spellings_are_read() {
    for case in READ_ONLY {
        let length = length(case.1);
        check::vector(&length, &named(case), case.2, case.3, true);
        assert_ne!(check::write(&length, case.3), case.2, "{}: but it is written with these bytes", named(case));
    }
}

#[test]
fn the_error_of_a_wrong_frame_has_this_text() {
    for &(name, notation, wire, _, words) in REJECTED {
        let (length, name) = (length(notation), format!("{notation} ({name})"));
        let error = length.decode(wire, 0, None).unwrap_err();
        assert_eq!(error.to_string(), words, "{name}");
        for behind in [&b""[..], b"next"] {
            check::rejected(&length, &name, &[wire, behind].concat(), words);
        }
    }
}

#[test]
fn a_wrong_frame_is_refused_at_its_first_wrong_byte_and_not_before() {
    for &(name, notation, wire, refused_from, _) in REJECTED {
        let length = length(notation);
        for len in 0..=wire.len() {
            let refused = length.decode(&wire[..len], 0, None).is_err();
            assert_eq!(refused, len >= refused_from, "{notation} ({name}): {len} bytes");
        }
    }
}

/// Headers whose number has more than one digit or byte, with the length of the payload.
#[rustfmt::skip] // a line a case
const LONG: &[(&str, &[u8], usize)] = &[
    ("net:2", b"\x01\x02", 258),
    ("net:3", b"\x01\x02\x03", 66_051),
    ("net:4", b"\0\x01\x02\x03", 66_051),
    ("le:2", b"\x02\x01", 258),
    ("le:3", b"\x03\x02\x01", 66_051),
    ("le:4", b"\x03\x02\x01\0", 66_051),
    ("ascii:4", b"1234", 1234),
    ("ascii:9", b"000012345", 12_345),
    ("hex:4", b"04D2", 1234),
    ("hex:4,lower", b"04d2", 1234),
    ("ebcdic:4", b"\xf1\xf2\xf3\xf4", 1234),
    ("bcd:2", b"\x12\x34", 1234),
    ("bcd:3", b"\x01\x23\x45", 12_345),
    ("decimal:3a", b"12345:", 12_345),
    ("varint", b"\xac\x02", 300),
    ("varint", b"\x7f", 127),
    ("varint", b"\x80\x01", 128),
    ("varint", b"\xff\x7f", 16_383),
    ("varint", b"\x80\x80\x01", 16_384),
];

#[test]
fn lengths_of_more_than_one_digit_or_byte_are_written_and_read() {
    for &(notation, head, payload_len) in LONG {
        let payload: Vec<u8> = (0..=250).cycle().take(payload_len).collect();
        check::vector(&length(notation), notation, &[head, &payload].concat(), &payload, false);
    }
}

#[test]
fn the_longest_head_and_tail_are_written_and_read() {
    let hex: String = (1..=63).map(|byte| format!("{byte:02x}")).collect();
    let fixed: Vec<u8> = (1..=63).collect();
    let tail = [&fixed[..], &[0]].concat();
    let notation = format!("net:1,prefix={hex},tail=64,suffix={hex},counts=payload");
    let wire = [&fixed[..], &[12], HELLO, &tail].concat();
    check::vector(&length(&notation), &notation, &wire, HELLO, false);
    let notation = format!("net:1,infix={hex},tail=64,suffix={hex},counts=payload");
    let wire = [&[12], &fixed[..], HELLO, &tail].concat();
    check::vector(&length(&notation), &notation, &wire, HELLO, false);
}

/// Uses `adjust` for numbers larger than any payload.
fn check_number(kind: &str, number: u64, field: &[u8]) {
    let by = 12 - i128::from(number);
    let notation = format!("{kind},adjust={by:+}");
    check::vector(&length(&notation), &notation, &[field, HELLO].concat(), HELLO, false);
}

#[test]
fn digits_of_every_width_are_written_and_read_in_their_order() {
    for width in 1..=18 {
        let digits = &"918273645546372819"[..width];
        let number: u64 = digits.parse().unwrap();
        let ebcdic: Vec<u8> = digits.bytes().map(|digit| digit - b'0' + 0xf0).collect();
        check_number(&format!("ascii:{width}"), number, digits.as_bytes());
        check_number(&format!("ebcdic:{width}"), number, &ebcdic);
        check_number("decimal:3a", number, format!("{digits}:").as_bytes());
        if width % 2 == 0 {
            let packed: Vec<u8> =
                (0..width).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect();
            check_number(&format!("bcd:{}", width / 2), number, &packed);
        }
    }
    for width in 1..=16 {
        let digits = &"7E9A3B5C1D2F4086"[..width];
        let number = u64::from_str_radix(digits, 16).unwrap();
        check_number(&format!("hex:{width}"), number, digits.as_bytes());
        check_number(&format!("hex:{width},lower"), number, digits.to_ascii_lowercase().as_bytes());
    }
}

#[test]
fn integers_of_every_width_are_written_and_read_in_their_order() {
    for width in 1..=8 {
        let bytes = &b"\x71\x82\x93\xa4\xb5\xc6\xd7\xe8"[..width];
        let number = bytes.iter().fold(0, |number, &byte| number * 256 + u64::from(byte));
        check_number(&format!("net:{width}"), number, bytes);
        let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
        check_number(&format!("le:{width}"), number, &reversed);
    }
    check_number("net:8", 1 << 63, b"\x80\0\0\0\0\0\0\0");
    check_number("hex:16", 1 << 63, b"8000000000000000");
    check_number("net:8,mask=00ffffffffffffff", (1 << 56) - 1, b"\0\xff\xff\xff\xff\xff\xff\xff");
}

#[test]
fn varints_of_every_width_are_written_and_read() {
    for width in 1..=9_u32 {
        let least = if width == 1 { 0 } else { 1_u64 << (7 * (width - 1)) };
        let most = (1_u64 << (7 * width)) - 1;
        let middle = [vec![0x80; usize::try_from(width - 1).unwrap()], vec![1]].concat();
        check_number("varint", least.max(1), &middle);
        let full = [vec![0xff; usize::try_from(width - 1).unwrap()], vec![0x7f]].concat();
        check_number("varint", most, &full);
    }
    check_number("varint", (1 << 56) + 12, b"\x8c\x80\x80\x80\x80\x80\x80\x80\x01");
}
