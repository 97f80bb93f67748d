use std::{error::Error, thread, time::Duration};

use framelink_transport::blocking::{Inbox, Link, Upstream};
use framelink_transport::session::{Inputs, Sent, Template};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (link, mut inbox) = open(include_str!("bank.toml"))?;
    thread::spawn(move || {
        while let Some(event) = inbox.recv() {
            eprintln!("{event:?}"); // late replies, messages of the bank, connections that come and go
        }
    });
    println!("{}", pay(&link, "000000001000")?);
    link.close(Duration::from_secs(2));
    Ok(())
}

fn open(profile: &str) -> Result<(Link, Inbox), Box<dyn Error + Send + Sync>> {
    Ok(Link::over(Upstream::of_profile(&framelink_transport::Profile::from_toml(profile)?.into())?)?)
}

/// Pays, and returns the reply. If there is none, and the bank may have booked the payment, it is reversed.
fn pay(link: &Link, amount: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let request = compose(link, "0200", amount)?;
    match link.call(&request) {
        Err(error) if error.sent() != Sent::Not => eprintln!("reversing: {error}"),
        reply => return Ok(String::from_utf8_lossy(&reply?).into_owned()),
    }
    while let Err(error) = link.call(&compose(link, "0420", std::str::from_utf8(&request[4..10])?)?) {
        eprintln!("reversing again: {error}");
        thread::sleep(Duration::from_secs(1));
    }
    Ok("reversed".to_owned())
}

fn compose(link: &Link, kind: &str, fields: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let template: Template = format!("text:{kind}{{number:6}}{{utc:%m%d%H%M%S}}{fields}").parse()?;
    Ok(template.compose(&Inputs::system(&link.numbers().ok_or("the profile has no numbers")?))?)
}
