use std::{env, error::Error};

use framelink_transport::{Profile, tokio::Link};

#[tokio::main]
async fn main() -> Result<(), String> {
    let (Some(host), Some(ours)) = (env::args().nth(1), env::args().nth(2)) else {
        return Err("usage: simplex HOST:PORT OUR-ADDRESS:PORT".into());
    };
    let (first, second) = pay(&host, &ours).await.map_err(|error| error.to_string())?;
    println!("{first}\n{second}");
    Ok(())
}

async fn pay(host: &str, ours: &str) -> Result<(String, String), Box<dyn Error>> {
    let profile = Profile::from_toml(include_str!("simplex.toml"))?;
    let (link, _inbox) = Link::simplex(profile, host, ours).await?;
    let (first, second) = tokio::join!(link.call(b"0200000001 10.00"), link.call(b"0200000002 20.00"));
    let text = |reply: &[u8]| String::from_utf8_lossy(reply).into_owned();
    Ok((text(&first?), text(&second?)))
}
