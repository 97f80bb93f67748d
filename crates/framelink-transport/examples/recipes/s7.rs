use std::{env, error::Error, sync::Arc, time::Duration};

use framelink_transport::{Profile, blocking::Upstream};

const WITHIN: Duration = Duration::from_secs(5);

fn main() -> Result<(), String> {
    let address = env::args().nth(1).ok_or("usage: s7 HOST:102")?;
    println!("{}", read(&address).map_err(|error| error.to_string())?);
    Ok(())
}

fn read(address: &str) -> Result<u16, Box<dyn Error>> {
    let profile = Arc::new(Profile::from_toml(include_str!("s7.toml"))?);
    let (mut plc, _lease) = Upstream::new(&profile, [address]).dial()?;
    // COTP data, then an S7 job: setup communication, one job at a time, PDUs of 480 bytes.
    let setup = plc.call(b"\x02\xf0\x80\x32\x01\0\0\0\x01\0\x08\0\0\xf0\0\0\x01\0\x01\x01\xe0", WITHIN)?;
    if setup.get(13..16) != Some(b"\0\0\xf0") {
        return Err(format!("the PLC refuses the setup: {:02x?}", &setup[..]).into());
    }
    // Read variable: two bytes of data block 1 from byte 0.
    let header = b"\x02\xf0\x80\x32\x01\0\0\0\x02\0\x0e\0\0";
    let reply = plc.call(&[&header[..], b"\x04\x01\x12\x0a\x10\x02\0\x02\0\x01\x84\0\0\0"].concat(), WITHIN)?;
    match reply.get(13..) {
        Some(&[0, 0, 4, 1, 0xff, 4, 0, 16, high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(format!("the PLC refuses the read: {:02x?}", &reply[..]).into()),
    }
}
