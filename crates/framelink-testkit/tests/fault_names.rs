//! The names of faults.

use framelink_testkit::Fault;

#[test]
fn every_fault_has_a_name_of_its_own_that_parses() {
    for &fault in Fault::ALL {
        let name = fault.name();
        assert_eq!((name.parse(), fault.to_string().as_str()), (Ok(fault), name));
        assert_eq!(Fault::ALL.iter().filter(|other| other.name() == name).count(), 1, "{name}");
    }
}
