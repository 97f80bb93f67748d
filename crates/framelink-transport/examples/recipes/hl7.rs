use std::{env, error::Error};

use framelink_transport::{Profile, blocking::Client};

fn main() -> Result<(), String> {
    let address = env::args().nth(1).ok_or("usage: hl7 HOST:PORT")?;
    println!("{}", report(&address).map_err(|error| error.to_string())?);
    Ok(())
}

fn report(address: &str) -> Result<String, Box<dyn Error>> {
    let mut client = Client::new(Profile::from_toml(include_str!("hl7.toml"))?, address)?;
    let message = "MSH|^~\\&|LAB|HERE|WARD|THERE|20260102030405||ORU^R01|4711|P|2.5\r\
        PID|1||4711^^^WARD||DOE^JANE||19700101|F\r\
        OBR|1|||GLU\r\
        OBX|1|NM|GLU||5.4|mmol/L||||F\r";
    let reply = client.call(message.as_bytes())?;
    let reply = String::from_utf8_lossy(&reply); // MSA is ASCII, whatever MSH-18 says
    client.close()?;
    let msa = reply.split('\r').find(|segment| segment.starts_with("MSA|")).ok_or("the reply has no MSA segment")?;
    match msa.split('|').collect::<Vec<_>>()[..] {
        [_, "AA", "4711", ..] => Ok("accepted".into()),
        [_, _, "4711", ..] => Err(format!("the message was rejected: {msa}").into()),
        _ => Err(format!("the reply is for another message: {msa}").into()),
    }
}
