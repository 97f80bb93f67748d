use std::{env, error::Error, sync::Arc, thread};

use framelink_transport::Profile;
use framelink_transport::blocking::{Link, Upstream};

fn main() -> Result<(), String> {
    pay(env::args().skip(1).collect()).map_err(|error| error.to_string())
}

fn pay(addresses: Vec<String>) -> Result<(), Box<dyn Error>> {
    let profile = Arc::new(Profile::from_toml(include_str!("switch.toml"))?);
    let (link, _inbox) = Link::over(Upstream::new(&profile, addresses))?;
    let other = link.clone();
    let second = thread::spawn(move || other.call(b"0200000003 pay 20.00"));
    println!("{}", String::from_utf8_lossy(&link.call(b"0200000002 pay 10.00")?));
    println!("{}", String::from_utf8_lossy(&second.join().expect("a thread that does not panic")?));
    Ok(())
}
