use std::{env, error::Error, sync::Arc};

use framelink_transport::blocking::{Client, Upstream};
use framelink_transport::{Profile, session::Sent};

fn main() -> Result<(), String> {
    let addresses: Vec<String> = env::args().skip(1).collect();
    println!("{}", ask(addresses, "INQ 4711").map_err(|error| error.to_string())?);
    Ok(())
}

fn ask(addresses: Vec<String>, request: &str) -> Result<String, Box<dyn Error>> {
    let profile = Arc::new(Profile::from_toml(include_str!("legacy.toml"))?);
    let mut client = Client::over(Upstream::new(&profile, addresses))?;
    let reply = match client.call(request.as_bytes()) {
        Ok(reply) => reply,
        Err(error) if error.sent() == Sent::Not => return Err(format!("{error}: send it again later").into()),
        Err(error) => return Err(format!("{error}: the host may have done it, so ask before you send it again").into()),
    };
    Ok(String::from_utf8_lossy(&reply).into_owned())
}
