use framelink_transport::{Profile, blocking::Link};

/// Origin-Host and Origin-Realm, as in the CER. `@` is 0x40, the flag M.
const ORIGIN: &[u8] = b"\0\0\x01\x08@\0\0\x1aclient.example.com\0\0\0\0\x01\x28@\0\0\x13example.com\0";
const SUCCESS: &[u8] = b"\0\0\x01\x0c@\0\0\x0c\0\0\x07\xd1"; // Result-Code 2001

fn main() -> Result<(), String> {
    let address = std::env::args().nth(1).ok_or("usage: diameter HOST:3868")?;
    account(&address).map_err(|error| error.to_string())
}

fn account(address: &str) -> Result<(), Box<dyn std::error::Error>> {
    let profile = Profile::from_toml(include_str!("diameter.toml"))?;
    let (link, _inbox) = Link::new(profile, address)?;
    // ACR (271) of base accounting (3): Session-Id, the origin, Destination-Realm, an event record, number 0.
    let acr = b"\xc0\0\x01\x0f\0\0\0\x03\0\0\0\0\0\0\0\x01\0\0\x01\x07@\0\0\x1eclient.example.com;1;1\0\0";
    let end = b"\0\0\x01\x1b@\0\0\x13example.com\0\0\0\x01\xe0@\0\0\x0c\0\0\0\x01\0\0\x01\xe5@\0\0\x0c\0\0\0\0";
    let aca = link.call(&[acr, ORIGIN, end].concat())?;
    link.close(std::time::Duration::from_secs(5));
    let accepted = aca.windows(12).any(|avp| avp == SUCCESS);
    if accepted { Ok(()) } else { Err(format!("the record was refused: {:02x?}", &aca[..]).into()) }
}
