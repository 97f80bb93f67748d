use std::{env, error::Error, sync::Arc, time::Duration};

use framelink_transport::Profile;
use framelink_transport::tokio::{Link, Upstream};

#[tokio::main]
async fn main() -> Result<(), String> {
    // The primary address first, then the backup.
    pay(env::args().skip(1).collect()).await.map_err(|error| error.to_string())
}

async fn pay(addresses: Vec<String>) -> Result<(), Box<dyn Error>> {
    let profile = Arc::new(Profile::from_toml(include_str!("switch.toml"))?);
    let (link, mut inbox) = Link::over(Upstream::new(&profile, addresses))?;
    // Connections that come and go, and messages that answer no request.
    tokio::spawn(async move {
        while let Some(event) = inbox.recv().await {
            eprintln!("{event:?}");
        }
    });
    let (first, second) = tokio::join!(link.call(b"0200000002 pay 10.00"), link.call(b"0200000003 pay 20.00"));
    println!("{}", String::from_utf8_lossy(&first?));
    println!("{}", String::from_utf8_lossy(&second?));
    link.close(Duration::from_secs(2)).await;
    Ok(())
}
