use std::{env, error::Error, fs, sync::Arc, time::Duration};

use framelink_transport::{Profile, blocking::Upstream};

fn main() -> Result<(), String> {
    let (Some(address), Some(file)) = (env::args().nth(1), env::args().nth(2)) else {
        return Err("usage: printer HOST:9100 FILE".into());
    };
    let job = fs::read(&file).map_err(|error| format!("{file}: {error}"))?;
    print(&address, &job).map_err(|error| error.to_string())
}

fn print(address: &str, job: &[u8]) -> Result<(), Box<dyn Error>> {
    let profile = Arc::new(Profile::from_toml(include_str!("printer.toml"))?);
    let (mut printer, _lease) = Upstream::new(&profile, [address]).dial()?;
    let sent = printer.send_within(job, Duration::from_secs(600)).and_then(|()| printer.close(Duration::from_secs(60)));
    let error = match sent {
        Ok(end) if end.peer_closed => return Ok(()),
        Ok(_) => "the printer has not closed the connection".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(format!("{error}: look whether the job is complete before you repeat it").into())
}
