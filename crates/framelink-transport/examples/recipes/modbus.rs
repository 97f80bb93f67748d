use std::{env, error::Error};

use framelink_transport::{Profile, tokio::Link};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    let address = env::args().nth(1).ok_or("usage: modbus HOST:PORT")?;
    println!("{:?}", read(&address).await.map_err(|error| error.to_string())?);
    Ok(())
}

async fn read(address: &str) -> Result<[u16; 2], Box<dyn Error>> {
    let (link, _inbox) = Link::new(Profile::from_toml(include_str!("modbus.toml"))?, address)?;
    // MBAP header: transaction (assigned), protocol 0, length 6, unit 1. PDU: function 3, two registers from 0.
    let reply = link.call(b"\0\0\0\0\0\x06\x01\x03\0\0\0\x02").await?;
    match reply.get(7..) {
        Some(&[3, 4, a, b, c, d]) => Ok([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]),
        Some([0x83, code]) => Err(format!("the device refuses the request with exception {code}").into()),
        _ => Err(format!("the reply is not for function 3: {:02x?}", &reply[..]).into()),
    }
}
