use std::{env, error::Error};

use framelink_transport::{Profile, blocking::Client};

fn main() -> Result<(), String> {
    let address = env::args().nth(1).ok_or("usage: card_switch HOST:PORT")?;
    println!("response code {}", sale(&address).map_err(|error| error.to_string())?);
    Ok(())
}

fn sale(address: &str) -> Result<String, Box<dyn Error>> {
    let mut client = Client::new(Profile::from_toml(include_str!("card_switch.toml"))?, address)?;
    let request: [&[u8]; 8] = [
        b"\x02\x00",                         // 0200
        b"\x30\x20\x01\x00\x00\x80\x00\x00", // fields 3, 4, 11, 24 and 41
        b"\x00\x00\x00",                     // 3: purchase
        b"\x00\x00\x00\x00\x10\x00",         // 4: 10.00
        b"\x00\x00\x02",                     // 11: trace number
        b"\x00\x03",                         // 24: network
        b"TERM0001",                         // 41: terminal
        b"",                                 // card data belongs here, with its bits above
    ];
    let reply = client.call(&request.concat())?;
    let head = &reply[..reply.len().min(10)]; // type and bitmap; card data may stand behind them
    let fields = reply.strip_prefix(b"\x02\x10\x30\x20\x01\x00\x02\x80\x00\x00"); // 0210 with field 39
    let fields = fields.ok_or_else(|| format!("the reply has another type or other fields: {head:02x?}"))?;
    let code = fields.get(14..16).ok_or("the reply ends before field 39")?;
    client.close()?;
    Ok(String::from_utf8_lossy(code).into_owned())
}
