use std::{env, error::Error, time::Duration};

use framelink_transport::{Profile, tokio::Link};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    let address = env::args().nth(1).ok_or("usage: smpp HOST:PORT")?;
    println!("message id {}", submit(&address, "hello").await.map_err(|error| error.to_string())?);
    Ok(())
}

async fn submit(address: &str, text: &str) -> Result<String, Box<dyn Error>> {
    let (link, _inbox) = Link::new(Profile::from_toml(include_str!("smpp.toml"))?, address)?;
    let submit_sm: [&[u8]; 7] = [
        b"\0\0\0\x04\0\0\0\0\0\0\0\0", // command_id, status, sequence number (assigned)
        b"\0\x05\0framelink\0",        // service type; source: alphanumeric
        b"\x01\x01491701234567\0",     // destination: international, E.164
        b"\0\0\0\0\0\0\0\0\0",         // esm_class to sm_default_msg_id
        &[u8::try_from(text.len())?],
        text.as_bytes(),
        b"", // optional parameters
    ];
    let reply = link.call(&submit_sm.concat()).await?;
    let (head, id) = reply.split_at_checked(12).ok_or("the reply ends inside its header")?;
    if head[..8] != *b"\x80\0\0\x04\0\0\0\0" {
        return Err(format!("the message was refused: {:02x?}", &head[..8]).into());
    }
    link.close(Duration::from_secs(5)).await;
    Ok(String::from_utf8_lossy(id).trim_end_matches('\0').to_owned())
}
