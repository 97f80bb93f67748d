//! Which peer `framelink send` talks to: the first word, or the addresses of the profile.

use framelink_transport::Profile;

use crate::arguments::Send;
use crate::arguments::values::{Addresses, addresses, is_template};
use crate::failure::Failure;

/// The two forms of the command.
const FORMS: &str = "write `framelink send ADDRESS MESSAGE`, or `framelink send --profile PROFILE MESSAGE` with a profile \
                     that has `addresses`";

impl Send {
    /// Takes the first word as the address of the peer if it has the form of one. Otherwise it may be a message: that
    /// depends on the profile. `text:0800` could be either, and is a message.
    pub(super) fn take_address(&mut self) -> Result<(), Failure> {
        let Some(word) = &self.address else { return Ok(()) };
        let has_profile = self.protocol.profile.is_some() || self.protocol.sets.are_said();
        match addresses(word) {
            Ok(_) if has_profile && is_template(word) => {}
            Ok(addresses) => (self.addresses, self.address) = (addresses, None),
            Err(error) if !has_profile => return Err(no_address(&error)),
            Err(_) => {}
        }
        Ok(())
    }

    /// Takes the addresses of the profile if none was given. Then the first word is a message.
    pub(super) fn take_profile(&mut self, profile: Option<&Profile>) -> Result<(), Failure> {
        let of_profile = profile.filter(|profile| !profile.addresses().is_empty()).map(Addresses::of);
        match (self.addresses.0.is_empty(), of_profile) {
            (false, None) => {}
            (false, Some(_)) => tracing::info!("{} is used instead of the addresses of the profile", self.addresses),
            (true, Some(of_profile)) => {
                self.addresses = of_profile;
                self.messages.splice(0..0, self.address.take());
            }
            (true, None) => {
                return Err(match self.address.as_deref().map(addresses) {
                    Some(Err(error)) => no_address(&error),
                    _ => Failure::usage(format!("the address is missing; {FORMS}")),
                });
            }
        }
        if self.messages.is_empty() && (self.repeat.is_some() || self.every.is_some()) {
            return Err(Failure::usage(
                "required arguments were not provided: MESSAGE, because --repeat and --every repeat messages, and messages \
                 from stdin cannot be repeated",
            ));
        }
        Ok(())
    }
}

fn no_address(error: &str) -> Failure {
    Failure::usage(format!("the first word is no address: {error}; {FORMS}"))
}
