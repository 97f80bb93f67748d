use std::{env, error::Error, fs, sync::Arc, time::Duration};

use framelink_transport::{Profile, blocking::Upstream};

fn main() -> Result<(), String> {
    let (Some(address), Some(file)) = (env::args().nth(1), env::args().nth(2)) else {
        return Err("usage: printer HOST:9100 FILE".into());
    };
    let job = fs::read(&file).map_err(|error| format!("{file}: {error}"))?;
    print(&address, &job).map_err(|error| format!("{error}: look whether the job is complete before you repeat it"))
}

fn print(address: &str, job: &[u8]) -> Result<(), Box<dyn Error>> {
    let profile = Arc::new(Profile::from_toml(include_str!("printer.toml"))?);
    let (mut printer, _lease) = Upstream::new(&profile, [address]).dial()?;
    printer.send_within(job, Duration::from_secs(600))?;
    match printer.close(Duration::from_secs(60))?.peer_closed {
        true => Ok(()),
        false => Err("the printer has not closed the connection".into()),
    }
}
