use std::{env, error::Error, io, io::BufRead};

use framelink_transport::{Profile, blocking::Client};

fn main() -> Result<(), String> {
    let address = env::args().nth(1).ok_or("usage: syslog HOST:PORT < LINES")?;
    let sent = forward(&address, include_str!("syslog.toml"), io::stdin().lock())
        .map_err(|error| format!("{error}: the collector may not have the last messages"))?;
    println!("{sent} messages were sent");
    Ok(())
}

fn forward(address: &str, profile: &str, lines: impl BufRead) -> Result<usize, Box<dyn Error>> {
    let mut client = Client::new(Profile::from_toml(profile)?, address)?;
    let mut sent = 0;
    for line in lines.lines() {
        // RFC 5424: facility 1 (user) and severity 6 (info); no time, as the collector adds its own.
        client.send(format!("<14>1 - myhost myapp - - - {}", line?).as_bytes())?;
        sent += 1;
    }
    match client.close()?.peer_closed {
        true => Ok(sent),
        false => Err("the collector has not closed the connection".into()),
    }
}
